//! How HTTP is served: where, under which names, and how long and how many things may take.

use std::net::SocketAddr;
use std::time::Duration;

use crate::config::{Host, Http};

/// Part of the files that the process may open which connections may take: the rest is for sinks,
/// brokers and the log.
const FILES_SHARE: u64 = 4;
/// Connections that are served even where the process may open very few files.
const CONNECTIONS_MIN: usize = 8;

/// How HTTP is served.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Address to listen on; port 0 takes a free one.
    pub address: SocketAddr,
    /// Hosts that are served beside loopback and the address.
    pub hosts: Vec<Host>,
    /// Connections at the same time.
    pub connections_max: usize,
    /// How long things may take.
    pub timeouts: Timeouts,
}

/// How long the parts of a request may take.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// From the first byte of a head, or the connection, to its last byte.
    pub head: Duration,
    /// From the head to the end of the body, whatever its size.
    pub body: Duration,
    /// From one answer to the next request.
    pub idle: Duration,
    /// Without any byte of an answer being taken.
    pub write: Duration,
    /// Until an answer is taken as a whole.
    pub answer: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            // As long as Prometheus waits for a scrape and PagerDuty's clients for an answer.
            head: Duration::from_secs(10),
            body: Duration::from_secs(10),
            // Twice the usual interval between scrapes of one minute, so that a scraper keeps its
            // connection.
            idle: Duration::from_secs(120),
            write: Duration::from_secs(30),
            // Ten megabytes, more than any answer has, at 300 kbit/s.
            answer: Duration::from_secs(300),
        }
    }
}

impl Settings {
    /// Serves an address as `[http]` says.
    pub fn new(address: SocketAddr, http: &Http) -> Self {
        let public = http.public_url.as_deref().and_then(Host::of_url);
        let further = http.hosts.iter().filter_map(|host| Host::parse(host));
        Self {
            address,
            hosts: public.into_iter().chain(further).collect(),
            connections_max: connections_max(http.connections_max, files_max()),
            timeouts: Timeouts::default(),
        }
    }
}

/// Returns how many files the process may open, `None` where that has no limit.
fn files_max() -> Option<u64> {
    rustix::process::getrlimit(rustix::process::Resource::Nofile).current
}

fn connections_max(wanted: usize, files_max: Option<u64>) -> usize {
    let share = files_max.map_or(u64::MAX, |files| files / FILES_SHARE);
    wanted.min(usize::try_from(share).unwrap_or(usize::MAX)).max(CONNECTIONS_MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_three_quarters_of_the_files_to_others() {
        assert_eq!(connections_max(256, Some(1_024)), 256);
        assert_eq!(connections_max(5_000, Some(1_024)), 256);
        assert_eq!(connections_max(256, Some(256)), 64);
        assert_eq!(connections_max(256, Some(4)), 8);
        assert_eq!(connections_max(300, None), 300);
    }
}

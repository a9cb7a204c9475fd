//! What counts as a program on this machine, which may send without a token.
//!
//! A proxy on this machine passes on what others sent, and a browser what a page asks for; both come
//! from a loopback address.
//! Each sign of one is enough to refuse, since nothing proves that there is none: a program that
//! forwards bare TCP connections cannot be told from one that sends for itself.

use std::fmt;
use std::net::SocketAddr;

use axum::http::{HeaderMap, HeaderName, Version, header};

use crate::config::Host;

/// Headers that browsers and proxies add, and none of the clients of an intake.
const FOREIGN: [&str; 18] = [
    "origin",
    "forwarded",
    "via",
    "proxy-connection",
    "x-real-ip",
    "x-request-id",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-original-url",
    "x-original-host",
    "x-original-forwarded-for",
    "x-proxyuser-ip",
    "x-amzn-trace-id",
    "x-varnish",
    "true-client-ip",
    "client-ip",
    "cdn-loop",
    "fastly-client-ip",
];
/// The same by how their names begin.
const FOREIGN_PREFIXES: [&str; 7] =
    ["sec-fetch-", "x-forwarded-", "x-envoy-", "x-azure-", "x-appengine-", "cf-", "l5d-"];

/// The outside of a request.
#[derive(Clone, Copy, Debug)]
pub struct Envelope<'a> {
    /// Address that it comes from.
    pub peer: SocketAddr,
    /// Version of HTTP that it speaks.
    pub version: Version,
    /// Its headers.
    pub headers: &'a HeaderMap,
}

/// Why a request does not count as one of a program on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Foreign {
    /// No such program may send.
    NotAllowed,
    /// It comes from another machine.
    Peer,
    /// It speaks HTTP/1.0, as proxies do to what is behind them and no client of an intake does.
    Version,
    /// It was sent to another host.
    Host,
    /// It has a header that a proxy or a browser added.
    Header(HeaderName),
}

impl Envelope<'_> {
    /// Returns what tells that it does not come from a program on this machine.
    pub fn foreign(&self) -> Option<Foreign> {
        if !self.peer.ip().to_canonical().is_loopback() {
            return Some(Foreign::Peer);
        }
        if self.version < Version::HTTP_11 {
            return Some(Foreign::Version);
        }
        let host = self.headers.get(header::HOST).and_then(|host| host.to_str().ok());
        if !host.and_then(Host::of_authority).is_some_and(|host| host.is_loopback()) {
            return Some(Foreign::Host);
        }
        let is_foreign = |name: &&HeaderName| {
            FOREIGN.contains(&name.as_str())
                || FOREIGN_PREFIXES.iter().any(|prefix| name.as_str().starts_with(prefix))
        };
        self.headers.keys().find(is_foreign).cloned().map(Foreign::Header)
    }
}

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAllowed => write!(f, "intake.allow_local is off"),
            Self::Peer => write!(f, "this request comes from another machine"),
            Self::Version => write!(f, "this request speaks HTTP/1.0, as proxies do"),
            Self::Host => write!(f, "the Host of this request is not localhost"),
            Self::Header(name) => write!(f, "a proxy or a browser added the header {name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn foreign(
        peer: [u8; 4],
        version: Version,
        headers: &[(&'static str, &'static str)],
    ) -> Option<Foreign> {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        let headers: HeaderMap = headers.iter().map(pair).collect();
        Envelope { peer: SocketAddr::from((peer, 50_000)), version, headers: &headers }.foreign()
    }

    const HERE: [u8; 4] = [127, 0, 0, 1];

    #[test]
    fn clients_on_this_machine_are_local() {
        let amtool = [("host", "localhost:9464"), ("user-agent", "amtool/0.28"), ("accept", "*/*")];
        assert_eq!(foreign(HERE, Version::HTTP_11, &amtool), None);
        let closes = [("host", "127.0.0.1:9464"), ("connection", "close")];
        assert_eq!(foreign(HERE, Version::HTTP_11, &closes), None);
    }

    #[test]
    fn another_machine_an_old_version_and_another_host_are_not() {
        let host = [("host", "localhost")];
        assert_eq!(foreign([10, 0, 0, 7], Version::HTTP_11, &host), Some(Foreign::Peer));
        // What nginx sent by default before 1.29.7.
        let nginx = [("host", "127.0.0.1:9464"), ("connection", "close")];
        assert_eq!(foreign(HERE, Version::HTTP_10, &nginx), Some(Foreign::Version));
        assert_eq!(foreign(HERE, Version::HTTP_11, &[]), Some(Foreign::Host));
        let public = [("host", "logs.example")];
        assert_eq!(foreign(HERE, Version::HTTP_11, &public), Some(Foreign::Host));
    }

    #[test]
    fn every_header_of_a_proxy_or_browser_is_a_sign() {
        let named = FOREIGN.into_iter().chain([
            "sec-fetch-site",
            "x-forwarded-proto",
            "x-envoy-external-address",
            "cf-connecting-ip",
        ]);
        for name in named {
            let headers = [("host", "localhost"), (name, "x")];
            let sign = Some(Foreign::Header(HeaderName::from_static(name)));
            assert_eq!(foreign(HERE, Version::HTTP_11, &headers), sign, "{name}");
        }
    }
}

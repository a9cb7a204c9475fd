//! Names and addresses of hosts, as URLs, `Host` headers and keys of the configuration have them.

use std::net::{IpAddr, Ipv6Addr};

/// Longest name that DNS knows (RFC 1035, section 3.1), without its last dot.
const NAME_CHARS_MAX: usize = 253;

/// A host, by address or by name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Host {
    /// An IP address.
    Address(IpAddr),
    /// A name in lower case, without its last dot.
    Name(String),
}

impl Host {
    /// Parses a host without a port; brackets around an IPv6 address may be left out.
    pub fn parse(text: &str) -> Option<Self> {
        let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        if let Some(bare) = bare {
            return bare.parse::<Ipv6Addr>().ok().map(Self::address);
        }
        if let Ok(address) = text.parse::<IpAddr>() {
            return Some(Self::address(address));
        }
        let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        let is_legal = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        let is_name = (1..=NAME_CHARS_MAX).contains(&name.len()) && name.bytes().all(is_legal);
        is_name.then_some(Self::Name(name))
    }

    /// Parses what stands in a `Host` header: a host, and a port that is ignored.
    pub fn of_authority(text: &str) -> Option<Self> {
        let port_at = if text.starts_with('[') { text.find(']')? + 1 } else { 0 };
        let colon = text[port_at..].find(':').map(|at| port_at + at);
        let (host, port) = text.split_at(colon.unwrap_or(text.len()));
        let is_port = port.bytes().skip(1).all(|byte| byte.is_ascii_digit());
        if is_port { Self::parse(host) } else { None }
    }

    /// Parses the host of an `http` or `https` URL.
    pub fn of_url(url: &str) -> Option<Self> {
        let (_, rest) = url.split_once("://")?;
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        Self::of_authority(host)
    }

    /// Tells whether it is this machine by itself.
    pub fn is_loopback(&self) -> bool {
        match self {
            Self::Address(address) => address.is_loopback(),
            Self::Name(name) => name == "localhost",
        }
    }

    fn address(address: impl Into<IpAddr>) -> Self {
        Self::Address(address.into().to_canonical())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_read_with_and_without_a_port() {
        let check = |text: &str, host: &str| {
            assert_eq!(Host::of_authority(text), Host::parse(host), "{text}");
            assert!(Host::parse(host).is_some(), "{host}");
        };
        check("LocalHost.:9464", "localhost");
        check("127.0.0.1:9464", "127.0.0.1");
        check("[::1]:9464", "::1");
        check("[::ffff:127.0.0.1]", "127.0.0.1");
        check("logs.example:", "logs.example");
        assert_eq!(Host::of_url("https://a@Logs.example:8443/x?y"), Host::parse("logs.example"));
    }

    #[test]
    fn what_names_no_host_is_none() {
        for text in [
            "",
            ":80",
            ".",
            "a b",
            "a:b",
            "a:1:2",
            "::1",
            "[::1",
            "[::1]x",
            "[a]",
            "a/b",
            "a@b",
            "b\u{fc}cher.example",
        ] {
            assert_eq!(Host::of_authority(text), None, "{text}");
        }
        assert_eq!(Host::parse(&"a".repeat(254)), None);
    }

    #[test]
    fn only_loopback_is_this_machine() {
        for (text, is_loopback) in [
            ("localhost", true),
            ("127.9.9.9", true),
            ("::1", true),
            ("0.0.0.0", false),
            ("127.0.0.1.evil.example", false),
            ("localhost.evil.example", false),
            ("2130706433", false),
        ] {
            assert_eq!(Host::parse(text).unwrap().is_loopback(), is_loopback, "{text}");
        }
    }
}

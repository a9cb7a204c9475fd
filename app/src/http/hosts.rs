//! Under which host names requests are answered.
//!
//! A page that a browser shows may have its own name point to this machine (DNS rebinding); its
//! requests then are of one origin with what is served here, and carry that name in `Host`.
//! **What is read is shown under known names alone.**
//! What is written needs a token or comes from this machine, which the gate of the intake decides.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{StatusCode, Version, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::settings::Settings;
use crate::config::Host;
use crate::intake::Intake;

/// What probes and scrapers ask for, under whatever name they know: it says little.
const ANY_HOST: [&str; 6] =
    ["/healthz", "/readyz", "/metrics", "/-/healthy", "/-/ready", "/api/v2/status"];

/// The hosts that are served.
pub(super) struct Hosts {
    known: BTreeSet<Host>,
    /// Whether any address is one of this server: it is reached by others, and a page that is made
    /// to rebind needs a name.
    has_any_address: bool,
    intake: Option<Arc<Intake>>,
}

/// Why a request is not answered.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Misdirected {
    NoHost,
    ManyHosts,
    NotAHost,
    Unknown(String),
}

impl Hosts {
    /// Takes the configured names; whoever shows the token of a source needs none of them.
    pub(super) fn new(settings: &Settings, intake: Option<Arc<Intake>>) -> Self {
        let address = settings.address.ip().to_canonical();
        let known = settings.hosts.iter().cloned().chain([Host::Address(address)]).collect();
        Self { known, has_any_address: !address.is_loopback(), intake }
    }

    fn has(&self, host: &Host) -> bool {
        host.is_loopback()
            || self.known.contains(host)
            || self.has_any_address && matches!(host, Host::Address(_))
    }

    fn check(&self, request: &Request) -> Result<(), Misdirected> {
        let is_for_all = ANY_HOST.contains(&request.uri().path());
        let named = hosts_of(request)?;
        if named.is_empty() && !(is_for_all && request.version() == Version::HTTP_10) {
            return Err(Misdirected::NoHost);
        }
        let is_read = request.method().is_safe();
        let gate = self.intake.as_ref().map(|intake| intake.gate());
        if is_for_all || !is_read || gate.is_some_and(|gate| gate.knows(request.headers())) {
            return Ok(());
        }
        match named.into_iter().find(|(_, host)| !self.has(host)) {
            Some((text, _)) => Err(Misdirected::Unknown(text)),
            None => Ok(()),
        }
    }
}

/// Returns the hosts that a request names: by its target, which counts if it is absolute, and by its
/// header.
fn hosts_of(request: &Request) -> Result<Vec<(String, Host)>, Misdirected> {
    let mut headers = request.headers().get_all(header::HOST).iter();
    let header = headers.next();
    if headers.next().is_some() {
        return Err(Misdirected::ManyHosts);
    }
    let header =
        header.map(|value| value.to_str().map_err(|_| Misdirected::NotAHost)).transpose()?;
    let target = request.uri().authority().map(|authority| authority.as_str());
    let parse = |text: &str| {
        Host::of_authority(text).map(|host| (text.to_owned(), host)).ok_or(Misdirected::NotAHost)
    };
    header.into_iter().chain(target).map(parse).collect()
}

/// Refuses what is not meant for this server.
pub(super) async fn check(
    State(hosts): State<Arc<Hosts>>,
    request: Request,
    next: Next,
) -> Response {
    match hosts.check(&request) {
        Ok(()) => next.run(request).await,
        Err(misdirected) => misdirected.into_response(),
    }
}

impl IntoResponse for Misdirected {
    fn into_response(self) -> Response {
        let bad = StatusCode::BAD_REQUEST;
        let (status, message) = match self {
            Self::NoHost => (bad, "the request has no Host header".to_owned()),
            Self::ManyHosts => (bad, "the request has several Host headers".to_owned()),
            Self::NotAHost => (bad, "the Host header names no host".to_owned()),
            Self::Unknown(host) => (
                StatusCode::MISDIRECTED_REQUEST,
                format!(
                    "{host:?} is not a name of this server; add its host to http.hosts, or set http.public_url"
                ),
            ),
        };
        (status, Json(json!({ "error": message }))).into_response()
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use axum::body::Body;

    use super::*;
    use crate::config::Http;

    fn hosts(listen: &str, http: &Http) -> Hosts {
        Hosts::new(&Settings::new(listen.parse::<SocketAddr>().unwrap(), http), None)
    }

    fn ask(hosts: &Hosts, path: &str, host: &str) -> Result<(), Misdirected> {
        let request = Request::get(path).header(header::HOST, host).body(Body::empty()).unwrap();
        hosts.check(&request)
    }

    fn served(hosts: &Hosts, host: &str) -> bool {
        ask(hosts, "/api/v1/alerts", host).is_ok()
    }

    #[test]
    fn on_loopback_only_loopback_is_served() {
        let hosts = hosts("127.0.0.1:9464", &Http::default());
        for host in ["localhost:9464", "127.0.0.1", "[::1]:9464", "LOCALHOST"] {
            assert!(served(&hosts, host), "{host}");
        }
        for host in ["evil.example:9464", "10.0.0.7", "127.0.0.1.evil.example", "0.0.0.0"] {
            assert_eq!(
                ask(&hosts, "/", host),
                Err(Misdirected::Unknown(host.to_owned())),
                "{host}"
            );
        }
    }

    #[test]
    fn beyond_loopback_any_address_is_served_and_names_are_configured() {
        let http = Http {
            public_url: Some("https://logs.example/x".to_owned()),
            hosts: vec!["logwake".to_owned()],
            ..Http::default()
        };
        let hosts = hosts("0.0.0.0:9464", &http);
        for host in ["10.0.0.7:9464", "[fe80::1]", "localhost", "logs.example", "Logwake:9464"] {
            assert!(served(&hosts, host), "{host}");
        }
        assert!(!served(&hosts, "logwake.evil.example"));
    }

    #[test]
    fn probes_and_scrapers_are_answered_under_any_name() {
        let hosts = hosts("0.0.0.0:9464", &Http::default());
        for path in ANY_HOST {
            assert_eq!(ask(&hosts, path, "logwake.monitoring.svc:9464"), Ok(()), "{path}");
        }
        assert!(ask(&hosts, "/metrics/x", "logwake.monitoring.svc").is_err());
    }

    #[test]
    fn a_request_names_one_host() {
        let hosts = hosts("127.0.0.1:9464", &Http::default());
        let ask = |version: Version, target: &str, names: &[&str]| {
            let mut request = Request::get(target).version(version);
            for name in names {
                request = request.header(header::HOST, *name);
            }
            hosts.check(&request.body(Body::empty()).unwrap())
        };
        let (old, new) = (Version::HTTP_10, Version::HTTP_11);
        assert_eq!(ask(new, "/healthz", &[]), Err(Misdirected::NoHost));
        assert_eq!(ask(old, "/healthz", &[]), Ok(()));
        assert_eq!(ask(old, "/api/v1/alerts", &[]), Err(Misdirected::NoHost));
        assert_eq!(ask(new, "/", &["localhost", "localhost"]), Err(Misdirected::ManyHosts));
        assert_eq!(ask(new, "/", &["a b"]), Err(Misdirected::NotAHost));
        let absolute = "http://evil.example/";
        let unknown = Err(Misdirected::Unknown("evil.example".to_owned()));
        assert_eq!(ask(new, absolute, &["localhost"]), unknown);
    }
}

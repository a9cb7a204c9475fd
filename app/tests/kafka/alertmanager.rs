//! Debian's Alertmanager as a sink, as its own API shows it.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use logwake_detector::alert::AlertState;
use logwake_detector::anomaly::Severity;
use serde_json::Value;

use crate::support::alerts::{alert, alert_id, publish};
use crate::support::kafka::Kafka;
use crate::support::program::Service;

const PROGRAM: &str = "prometheus-alertmanager";

/// Routes to nobody.
const NOBODY: &str = "route:\n  receiver: nobody\nreceivers:\n  - name: nobody\n";

pub struct Alertmanager {
    child: Child,
    address: SocketAddr,
    url: String,
}

impl Alertmanager {
    fn start(dir: &Path) -> Option<Self> {
        Self::start_with(dir, NOBODY)
    }

    /// Starts one with routes and receivers.
    pub fn start_with(dir: &Path, receivers: &str) -> Option<Self> {
        if Command::new(PROGRAM).arg("--version").output().is_err() {
            eprintln!("skipped: {PROGRAM} is not installed");
            return None;
        }
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        std::fs::write(dir.join("alertmanager.yml"), receivers).unwrap();
        Some(Self::at(dir, address))
    }

    fn at(dir: &Path, address: SocketAddr) -> Self {
        let config = dir.join("alertmanager.yml");
        let child = Command::new(PROGRAM)
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.path={}", dir.join("alertmanager").display()))
            .arg(format!("--web.listen-address={address}"))
            .arg("--cluster.listen-address=")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let alertmanager = Self { child, address, url: format!("http://{address}") };
        alertmanager.wait("it is ready", |_| true);
        alertmanager
    }

    /// Ends it and starts another at its address, which knows nothing.
    fn start_over(self, dir: &Path) -> Self {
        let address = self.address;
        drop(self);
        std::fs::remove_dir_all(dir.join("alertmanager")).unwrap();
        Self::at(dir, address)
    }

    /// Gives it alerts.
    pub fn post(&self, alerts: &Value) {
        let agent = ureq::Agent::config_builder().proxy(None).build().new_agent();
        let request = agent.post(format!("{}/api/v2/alerts", self.url));
        request.header("Content-Type", "application/json").send(alerts.to_string()).unwrap();
    }

    /// Waits until the alerts that it lists fulfil a condition.
    #[track_caller]
    fn wait(&self, what: &str, is_met: impl Fn(&[Value]) -> bool) {
        let begin = Instant::now();
        loop {
            let agent = ureq::Agent::config_builder().proxy(None).build().new_agent();
            let answer = agent.get(format!("{}/api/v2/alerts", self.url)).call();
            if let Ok(mut answer) = answer {
                let text = answer.body_mut().read_to_string().unwrap();
                let alerts: Vec<Value> = serde_json::from_str(&text).unwrap();
                if is_met(&alerts) {
                    return;
                }
            }
            assert!(begin.elapsed() < Duration::from_secs(120), "{what}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Alertmanager {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

#[test]
fn alertmanager_shows_the_alert_while_it_is_open() {
    let Some(kafka) = Kafka::from_env() else { return };
    let dir = tempfile::tempdir().unwrap();
    let Some(alertmanager) = Alertmanager::start(dir.path()) else { return };
    kafka.make_topic(&kafka.logs(), 1, &[]);
    let sink = format!(
        "detect_partitions = 1\n[[notify]]\nname = \"am\"\nkind = \"alertmanager\"\nurl = \"{}\"\n",
        alertmanager.url
    );
    let service = Service::start(dir.path(), "a", &kafka.config("a", &sink));
    publish(&kafka, &[alert(7, AlertState::Open, Severity::Critical)]);
    alertmanager.wait("the alert shows", |alerts| {
        alerts.iter().any(|alert| {
            alert["labels"]["alert_id"] == alert_id(7)
                && alert["labels"]["service"] == "service-07"
                && alert["labels"]["severity"] == "critical"
                && alert["status"]["state"] != "suppressed"
                && alert["annotations"]["summary"] == "service-07: queue 7 does not drain"
        })
    });
    // One that has lost its memory is reminded.
    let alertmanager = alertmanager.start_over(dir.path());
    alertmanager.wait("the alert shows again", |alerts| {
        alerts.iter().any(|alert| alert["labels"]["alert_id"] == alert_id(7))
    });
    publish(&kafka, &[alert(7, AlertState::Resolved, Severity::Critical)]);
    alertmanager.wait("the alert is over", <[Value]>::is_empty);
    service.stop();
}

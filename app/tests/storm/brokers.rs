//! The brokers of `scripts/kafka`, which a storm may kill: one at a time, and none while another
//! storm makes its topics.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};

use crate::support::kafka::Kafka;

/// Longest wait until every partition has all of its replicas again.
const SYNC_MAX: Duration = Duration::from_secs(60);

/// The way to three brokers.
#[derive(Clone, Debug)]
pub struct Brokers {
    script: PathBuf,
    lock: PathBuf,
}

impl Brokers {
    /// Finds three brokers that `scripts/kafka` started at the addresses under test.
    pub fn find(kafka: &Kafka) -> Option<Self> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/kafka");
        let status = Command::new(&script).arg("status").output().ok()?;
        let status = String::from_utf8_lossy(&status.stdout).into_owned();
        let addresses = kafka.bootstrap.split(',');
        let is_ours = addresses.clone().count() == 3
            && addresses.clone().all(|address| status.contains(address));
        let lock = std::env::temp_dir()
            .join(format!("logwake-storm-{}.lock", kafka.bootstrap.replace([',', ':', '.'], "-")));
        is_ours.then_some(Self { script, lock })
    }

    /// Keeps all brokers up for as long as the returned file is held.
    pub fn keep_up(&self) -> File {
        let file = File::create(&self.lock).unwrap();
        file.lock_shared().unwrap();
        file
    }

    /// Takes a broker down and brings it back, in the background.
    pub fn take_down(
        &self,
        kafka: &Kafka,
        node: u64,
        is_killed: bool,
        down: Duration,
    ) -> JoinHandle<()> {
        let (brokers, client) = (self.clone(), kafka.client());
        std::thread::spawn(move || {
            let file = File::create(&brokers.lock).unwrap();
            file.lock().unwrap();
            let node = node.to_string();
            if is_killed {
                brokers.call(&["kill", &node]);
                std::thread::sleep(down);
            }
            brokers.call(&["restart", &node]);
            let consumer: BaseConsumer = client.create().unwrap();
            wait_for_replicas(&consumer);
        })
    }

    fn call(&self, args: &[&str]) {
        let status = Command::new(&self.script).args(args).stdin(Stdio::null()).status();
        assert!(status.unwrap().success(), "scripts/kafka {args:?}");
    }
}

/// Another broker must not go before this one has caught up: two of three replicas acknowledge.
fn wait_for_replicas(consumer: &BaseConsumer) {
    let begin = Instant::now();
    let is_whole = || {
        let Ok(metadata) = consumer.fetch_metadata(None, Duration::from_secs(10)) else {
            return false;
        };
        let mut partitions = metadata.topics().iter().flat_map(|topic| topic.partitions());
        partitions.all(|partition| partition.isr().len() == partition.replicas().len())
    };
    while !is_whole() {
        assert!(begin.elapsed() < SYNC_MAX, "replicas are out of sync");
        std::thread::sleep(Duration::from_millis(100));
    }
}

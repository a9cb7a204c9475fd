//! `logwake run` on real Apache Kafka: named in `LOGWAKE_TEST_KAFKA`, skipped where that is not set.
//!
//! `scripts/kafka start` gives one on this machine.

#![allow(clippy::unwrap_used, missing_docs, unreachable_pub, reason = "tests")]

mod support;

#[path = "kafka/alertmanager.rs"]
mod alertmanager;
#[path = "kafka/codecs.rs"]
mod codecs;
#[path = "kafka/crash.rs"]
mod crash;
#[path = "kafka/event_time.rs"]
mod event_time;
#[path = "kafka/intake.rs"]
mod intake;
#[path = "kafka/notify.rs"]
mod notify;
#[path = "kafka/outside.rs"]
mod outside;
#[path = "kafka/page_storm.rs"]
mod page_storm;
#[path = "kafka/pipeline.rs"]
#[allow(dead_code, reason = "each test program uses a part of it")]
mod pipeline;
#[path = "kafka/poison.rs"]
mod poison;
#[path = "kafka/replicas.rs"]
mod replicas;
#[path = "kafka/same.rs"]
mod same;
#[path = "kafka/standing.rs"]
mod standing;
#[path = "kafka/trouble.rs"]
mod trouble;
#[path = "kafka/upgrade.rs"]
mod upgrade;
#[path = "kafka/verify.rs"]
mod verify;

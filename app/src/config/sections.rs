//! The sections of `logwake.toml`: their keys, defaults and ranges.
//!
//! The comment on a field is the manual of its key: `logwake config --docs` prints it.

use logwake_detector::anomaly::Severity;

use super::notify::{Kind, Sinks};
use super::secret::{Address, Secret};
use super::setting::section;
use super::tables::{Row, Tables};
use super::types::{Delivery, Listen, LogFormat, Patterns, Properties};
use super::units::{Size, Span};

section! {
    /// Everything that can be set.
    Config {
        /// Where log records come from and where results go.
        kafka: Kafka = Kafka::default();
        /// How payloads become records.
        input: Input = Input::default();
        /// How records are grouped into templates.
        templates: Templates = Templates::default();
        /// What is unusual.
        detect: Detect = Detect::default();
        /// When anomalies become an alert.
        alerts: Alerts = Alerts::default();
        /// Who is told of alerts; it may stand any number of times.
        notify: Sinks = Sinks::default();
        /// Alerts of other systems, silences and acknowledgements.
        intake: Intake = Intake::default();
        /// The page, the API and the metrics.
        http: Http = Http::default();
        /// Limits to what outside data can grow.
        limits: Limits = Limits::default();
        /// Logs and traces of Logwake itself.
        telemetry: Telemetry = Telemetry::default();
    }
}

section! {
    /// Where log records come from and where results go.
    Kafka {
        /// Addresses of the brokers to begin with, such as `["kafka-1:9092", "kafka-2:9092"]`.
        /// `logwake run` needs them.
        brokers: Vec<String> = Vec::new();
        /// Topics to read log records from; `^` begins a regular expression.
        /// `logwake run` needs them.
        topics: Vec<String> = Vec::new();
        /// First part of the names of Logwake's own topics, consumer groups and transactions.
        prefix: String = "logwake".into();
        /// `exactly_once` writes results and positions in one transaction.
        /// `at_least_once` is for brokers without transactions; readers drop repeats by their id.
        delivery: Delivery = Delivery::ExactlyOnce;
        /// Name of this process among those of the same prefix, stable over restarts; the host name where not set.
        instance: Option<String> = None;
        /// Whether a restart keeps the partitions, so that they do not move if it takes less than `session.timeout.ms` of `consumer_properties`.
        /// It needs an `instance` of its own for each process, and a process that stops for good is missed only after that time.
        static_membership: bool = false;
        /// Threads that read and tally, each a member of the group with connections of its own.
        /// One a core where not set, and no more than the topics have partitions.
        slots: Option<usize> = None;
        /// Partitions of the internal topics, which bound how many processes can judge services side by side.
        /// It cannot be changed once the topics exist.
        detect_partitions: u32 = 4 => 1, 1024;
        /// How often results and positions are committed: what a reader waits for at most.
        commit_interval: Span = Span::millis(200) => Span::millis(10), Span::secs(60);
        /// How often the whole state of a stage is written, which bounds the work of a restart.
        snapshot_interval: Span = Span::secs(30) => Span::secs(1), Span::secs(3600);
        /// Replicas of the topics that Logwake makes; -1 takes the broker's default.
        replication_factor: i32 = -1 => -1, 32_767;
        /// Properties of librdkafka for every client, such as `security.protocol = "SASL_SSL"`.
        /// A name with `_file` behind it reads the value from a file: `sasl.password_file = "/run/secrets/kafka"`.
        properties: Properties = Properties::default();
        /// Properties of librdkafka for consumers alone.
        consumer_properties: Properties = Properties::default();
        /// Properties of librdkafka for producers alone.
        producer_properties: Properties = Properties::default();
    }
}

section! {
    /// How payloads become records.
    Input {
        /// Format of the payloads: `auto`, `plain`, `json`, `logfmt`, `syslog`, `cri`, `docker`, `gelf`, `otlp`,
        /// or the name of one of `headers`.
        format: String = "auto".into();
        /// Service of every record, whatever the record states.
        service: Option<String> = None;
        /// Time zone of times that state none: an IANA name such as `Europe/Berlin`.
        zone: String = "UTC".into();
        /// Longest line; a longer one is rejected.
        line_bytes_max: Size = Size(1 << 20) => Size(256), Size(64 << 20);
        /// Own headers of plain lines: a list of `{ name, pattern }`.
        /// The pattern is a regular expression with the groups `time`, `level`, `service`, `host` and `message`.
        headers: Patterns = Patterns::default();
        /// How the lines of one entry, such as a stack trace, are joined.
        multiline: Multiline = Multiline::default();
    }
}

section! {
    /// How the lines of one entry are joined.
    Multiline {
        /// Whether lines are joined.
        enabled: bool = true;
        /// Regular expression of the first line of an entry; recognised by its shape where not set.
        start: Option<String> = None;
        /// Lines of one entry at most.
        lines_max: usize = 500 => 1, 100_000;
        /// Bytes of one entry at most.
        bytes_max: Size = Size(64 << 10) => Size(256), Size(16 << 20);
    }
}

section! {
    /// How records are grouped into templates.
    Templates {
        /// Templates of one service before they are grouped more coarsely.
        templates_max: usize = 10_000 => 10, 10_000_000;
        /// File of templates that are known from the start and keep their ids and texts, as `logwake templates --lock` writes it.
        /// It is looked for beside the configuration.
        lock: Option<String> = None;
        /// Own values to mask before shapes are looked at: a list of `{ name, pattern }`, applied in their order.
        masks: Patterns = Patterns::default();
    }
}

section! {
    /// What is unusual.
    Detect {
        /// Width of the windows in which records are counted.
        /// After a change every service is learned anew; templates and their ids stay.
        window: Span = Span::secs(10) => Span::millis(100), Span::secs(3600);
        /// How much later than others of its source a record may come and still be counted.
        /// Every anomaly of a rate waits this long after its window.
        lateness: Span = Span::secs(5) => Span::secs(0), Span::secs(86_400);
        /// Event time that a service is learned before it is judged.
        warmup: Span = Span::secs(300) => Span::secs(0), Span::secs(7 * 86_400);
        /// File of services that were learned from captured logs, as `logwake replay --save-learned` writes it: they are judged from their first record on.
        /// It is looked for beside the configuration.
        learned: Option<String> = None;
        /// A record that states a time further ahead of the clock is counted at its arrival.
        future_max: Span = Span::secs(600) => Span::secs(0), Span::secs(86_400);
        /// The largest step ahead in event time that one record alone may make.
        jump_max: Span = Span::secs(3600) => Span::secs(1), Span::secs(7 * 86_400);
        /// Longest wait for a partition that says nothing, before windows close without it.
        hold_max: Span = Span::secs(60) => Span::secs(1), Span::secs(86_400);
        /// When everything has been silent for this long, event time follows the clock, and silence is noticed.
        stall_after: Span = Span::secs(30) => Span::secs(1), Span::secs(86_400);
        /// Windows without any record that are judged one by one; a longer gap is passed over.
        gap_windows_max: usize = 360 => 1, 1_000_000;
        /// How often a service may raise its hand in a week: episodes of anomalies, each ended by ten minutes without.
        /// Thresholds follow from it: a tenth of it is what chance may spend, and a service that tells more is believed less until it is back below.
        /// Anomalies of sessions do not count.
        anomaly_budget: f64 = 10.0 => 0.1, 1e6;
        /// Greatest p-value at which the isolation forest speaks; 0 turns it off.
        forest_p_value_max: f64 = 1e-5 => 0.0, 1.0;
        /// What belongs together because it names the same order, block, request or user.
        sessions: Sessions = Sessions::default();
        /// What stands at the variables of templates: measures such as a latency, and names such as a status.
        values: Values = Values::default();
    }
}

section! {
    /// What stands at the variables of templates: measures such as a latency, and names such as a status.
    Values {
        /// Whether values are judged; without it, they do not leave the tally stage either.
        enabled: bool = true;
        /// How long a variable must have had the same few values before another one is told, in windows in which it came.
        stable_for: Span = Span::secs(1800) => Span::secs(60), Span::secs(30 * 86_400);
    }
}

section! {
    /// What belongs together because it names the same order, block, request or user.
    Sessions {
        /// Regular expression over the content that names the session of a record: its first group, or the whole match.
        /// Records that it does not match belong to no session.
        key: Option<String> = None;
        /// Without `key`, whether the trace id that a structured record states (`trace.id`, `trace_id`, `traceId`) names its session.
        trace_id: bool = true;
        /// Event time without a record after which a session has ended and is judged; what comes later is judged as a further part of it.
        idle: Span = Span::secs(600) => Span::secs(1), Span::secs(86_400);
        /// A template, proportion, order or number that a smaller share of sessions has is rare, and a session with it is told.
        rarity: f64 = 0.01 => 0.0, 0.5;
        /// The share of sessions that may lack a template after another and it still counts as required.
        lacking: f64 = 0.05 => 0.0, 0.5;
    }
}

section! {
    /// When anomalies become an alert.
    Alerts {
        /// Weight of evidence at which an alert is sent.
        open_weight: f64 = 3.0 => 0.0, 1000.0;
        /// Event time within which anomalies of different services belong together.
        join_gap: Span = Span::secs(60) => Span::secs(0), Span::secs(86_400);
        /// Event time without new evidence after which an alert is resolved.
        resolve_after: Span = Span::secs(120) => Span::secs(1), Span::secs(7 * 86_400);
        /// Shortest event time between updates that bring only more of the same.
        update_every: Span = Span::secs(60) => Span::secs(1), Span::secs(86_400);
        /// Time after which an alert of another system is held to be over, where it states no end and is not told again.
        forget_after: Span = Span::secs(86_400) => Span::secs(1), Span::secs(30 * 86_400);
        /// Longest time for which what keeps coming back holds its alert open; an alert that ended can be reopened for as long.
        hold_max: Span = Span::secs(86_400) => Span::secs(0), Span::secs(7 * 86_400);
        /// How often an alert of another system must come before it counts; a critical one counts at once.
        count_min: u32 = 1 => 1, 1_000;
        /// How long an alert of another system must last before it counts; a critical one counts at once.
        duration_min: Span = Span::secs(0) => Span::secs(0), Span::secs(86_400);
        /// Pages a day that alerts of other systems may cost; beyond, what comes back must have stayed away for up to four times as long.
        pages_per_day: f64 = 24.0 => 1.0, 1e6;
        /// File of what services depend on, TOML: `shop = ["cart", "payments"]`, a line a service.
        /// It is looked for beside the configuration.
        topology: Option<String> = None;
        /// Active alerts at most; beyond, the one with the least evidence gives way.
        clusters_max: usize = 1_000 => 1, 100_000;
        /// Maintenance windows, in which what they are about is not sent; it may stand any number of times.
        maintenance: Tables<MaintenanceWindow> = Tables::default();
    }
}

section! {
    /// A maintenance window: once, with `from` and `until`, or again and again, with `start` and `duration`.
    MaintenanceWindow {
        /// Name of the window in decisions.
        name: String = String::new();
        /// Services that it is about, all where not set; `*` stands for any part of a name.
        services: Vec<String> = Vec::new();
        /// Hosts that it is about, in the same way.
        hosts: Vec<String> = Vec::new();
        /// Names of alerts or texts of templates that it is about, in the same way.
        names: Vec<String> = Vec::new();
        /// When it begins, if it comes once: RFC 3339, or a local time of `zone` such as `"2026-11-21T02:00"`.
        from: Option<String> = None;
        /// When it ends, if it comes once.
        until: Option<String> = None;
        /// Days on which it begins, if it comes again: `mon`, `tue`, `wed`, `thu`, `fri`, `sat`, `sun`; every day where not set.
        days: Vec<String> = Vec::new();
        /// Time of day in `zone` at which it begins, such as `"02:00"`.
        /// A time that a change of the clocks skips is as much later as the clocks go on; of one that comes twice the first counts.
        start: Option<String> = None;
        /// How long it lasts, in time that passes, whatever the clocks do meanwhile.
        duration: Option<Span> = None;
        /// Time zone of local times and days: an IANA name such as `Europe/Berlin`.
        zone: String = "UTC".into();
    }
}

section! {
    /// Who is told of alerts.
    Notify {
        /// Name of the sink in decisions, metrics and logs.
        name: String = String::new();
        /// How it is spoken to: `pagerduty` (Events API v2), `alertmanager` (API v2), `slack` or `teams` (their webhooks), or `webhook`.
        kind: Kind = Kind::PagerDuty;
        /// Where requests go; PagerDuty's own address where not set.
        /// `url_file` reads it from a file, since the addresses of chats are secrets.
        url: Address = Address::default();
        /// Integration key of PagerDuty; `routing_key_file` reads it from a file.
        routing_key: Secret = Secret::default();
        /// Bearer token for `alertmanager` and `webhook`; `token_file` reads it from a file.
        token: Secret = Secret::default();
        /// Alerts below this severity are not sent: `info`, `warning`, `error`, `critical`.
        severity_min: Severity = Severity::Warning;
        /// Services whose alerts are sent, all where not set; `"payments-*"` stands for all that begin so.
        services: Vec<String> = Vec::new();
        /// Whether the end of an alert is sent.
        send_resolved: bool = true;
        /// Requests in any minute at most; 100 for PagerDuty and webhooks, 50 for chats, 6000 for Alertmanager where not set.
        /// What they do not reach for goes into one digest.
        per_minute: Option<usize> = None;
        /// Share of these that is kept for critical alerts, ends and the digest.
        reserve: f64 = 0.2 => 0.0, 0.9;
        /// Pages of one service in any seven days.
        /// Beyond, only its critical alerts page; the others go into one digest, which pages once a day at most.
        /// There is no such limit where not set; what services cost is counted and shown all the same.
        pages_per_week: Option<usize> = None;
        /// Longest wait for an answer; then it is tried again.
        timeout: Span = Span::secs(10) => Span::millis(100), Span::secs(120);
        /// Time after which a change that was never taken is given up, and is too old to begin with.
        give_up_after: Span = Span::secs(86_400) => Span::secs(1), Span::secs(7 * 86_400);
        /// Jinja template of the JSON that a `webhook` is sent; the event itself where not set.
        /// `template_file` reads it from a file.
        template: Option<String> = None;
    }
}

section! {
    /// Alerts of other systems, silences and acknowledgements.
    Intake {
        /// Whether they are taken at `http.listen`.
        enabled: bool = true;
        /// Topics with alerts of other systems: PagerDuty events, Alertmanager's lists of alerts or its webhook notifications.
        topics: Vec<String> = Vec::new();
        /// How long an alert that Prometheus or Alertmanager sends without an end goes on unless it is sent again.
        resolve_timeout: Span = Span::secs(300) => Span::secs(1), Span::secs(86_400);
        /// Bytes of one request at most; of a PagerDuty event it is 512 kB.
        body_bytes_max: Size = Size(4 << 20) => Size(1 << 10), Size(64 << 20);
        /// Partitions of the topic in which everything is kept that was accepted.
        /// It cannot be changed once the topic exists.
        partitions: u32 = 4 => 1, 1024;
        /// Whether programs on this machine may send, silence and acknowledge without a token while no source is configured.
        /// Defaults to true, and to false if `http.public_url` begins with `https://`: Logwake has no TLS, so a proxy stands before it.
        /// A program that forwards TCP connections (`ssh -L`, `kubectl port-forward`, `socat`) counts as this machine.
        allow_local: Option<bool> = None;
        /// Who may send; it may stand any number of times.
        /// Where there is none, programs on this machine may, as `allow_local` says, and nobody else.
        sources: Tables<IntakeSource> = Tables::default();
    }
}

section! {
    /// Who may send alerts.
    IntakeSource {
        /// Name of the source in alerts, metrics and logs.
        name: String = String::new();
        /// Its bearer token, and the `routing_key` of its PagerDuty events; `token_file` reads it from a file.
        token: Secret = Secret::default();
        /// Whether it may also set silences and acknowledge.
        may_silence: bool = false;
        /// Alerts a second that are accepted from it, in the long run.
        per_second: u32 = 20_000 => 1, 10_000_000;
        /// Alerts beyond that which are accepted at once.
        burst: u32 = 100_000 => 1, 100_000_000;
    }
}

section! {
    /// The page, the API and the metrics.
    Http {
        /// Address to listen on, or `off`.
        /// There is no authentication: put a proxy before it where others than its operators reach it.
        listen: Listen = Listen::default();
        /// Address under which people reach the page, such as `https://logwake.example`: pages and messages link to it.
        public_url: Option<String> = None;
        /// Further host names under which the page and the API are served, without a port; other names are refused with 421.
        /// `localhost`, the address of `listen`, the host of `public_url` and, if `listen` is not a loopback address, any IP address need no entry.
        hosts: Vec<String> = Vec::new();
        /// Connections at the same time, and never more than a quarter of the files that the process may open.
        /// Beyond, the connection that is idle for longest is closed for a new one.
        connections_max: usize = 256 => 8, 100_000;
    }
}

section! {
    /// Limits to what outside data can grow.
    Limits {
        /// Services told apart; records of further ones are judged together as `(other)`.
        services_max: usize = 1_000 => 1, 1_000_000;
        /// Windows of one service that may wait for slow partitions; counts beyond are dropped and counted.
        open_windows_max: usize = 10_000 => 2, 1_000_000;
        /// Sessions of a shard that are open at the same time, and ended ones that are remembered; beyond, those quiet for longest are given up and counted.
        sessions_max: usize = 200_000 => 1, 100_000_000;
    }
}

section! {
    /// Logs and traces of Logwake itself.
    Telemetry {
        /// What is logged to standard error: `error`, `warn`, `info`, `debug`, `trace`, or directives such as `info,logwake=debug`.
        log: String = "info".into();
        /// Form of those logs: `text` or `json`.
        log_format: LogFormat = LogFormat::Text;
        /// Collector that spans of commits are sent to by OTLP over HTTP, such as `http://collector:4318`; none are made where not set.
        otlp_endpoint: Option<String> = None;
        /// Name of this service in metrics and traces.
        service_name: String = "logwake".into();
    }
}

impl Row for IntakeSource {
    const REQUIRED: &'static [&'static str] = &[];
}

impl Row for MaintenanceWindow {
    const REQUIRED: &'static [&'static str] = &[];
}

//! Text in, what is wrong or what it means out.

use std::path::Path;

use expect_test::{Expect, expect};

use super::*;

fn env(name: &str) -> Option<String> {
    (name == "BROKER").then(|| "kafka-1:9092".to_owned())
}

fn check(text: &str, expected: Expect) {
    let shown = match Config::parse(text, Path::new("."), &env) {
        Ok((_, warnings)) => warnings,
        Err(problems) => problems,
    };
    let shown: Vec<String> = shown.iter().map(ToString::to_string).collect();
    expected.assert_eq(&shown.join("\n"));
}

fn parse(text: &str) -> Config {
    Config::parse(text, Path::new("."), &env).unwrap().0
}

#[test]
fn every_problem_is_reported_at_once_with_its_line() {
    check(
        r#"
[kafka]
broker = "a:1"
topics = "logs"
slots = 0
delivery = "exactly-once"
colour = "red"

[detect]
window = "10 parsecs"
lateness = 5
resolve_after = "5m"

[alert]
open_weight = 2

[input]
zone = "Mars/Olympus"
format = "jsom"
headers = [{ name = "mine", pattern = "(" }, { name = "x" }]
"#,
        expect![[r#"
            line 3: kafka.broker: unknown key, did you mean kafka.brokers?
            line 5: kafka.slots: 0 is outside the range from 1 to 256
            line 6: kafka.delivery: "exactly-once" is unknown, did you mean "exactly_once"?
            line 7: kafka.colour: unknown key, known here: brokers, topics, prefix, delivery, instance, static_membership, slots, detect_partitions, commit_interval, snapshot_interval, replication_factor, properties, consumer_properties, producer_properties
            line 10: detect.window: "10 parsecs" is not a duration, write a number and a unit (ns, us, ms, s, m, h, d) such as "10s" or "1h30m"
            line 11: detect.lateness: must be a duration with its unit such as "10s", not 5
            line 12: detect.resolve_after: unknown key, did you mean alerts.resolve_after?
            line 14: alert: unknown key, did you mean alerts?
            line 18: input.zone: "Mars/Olympus" is not a time zone, write an IANA name such as "Europe/Berlin"
            line 19: input.format: "jsom" is unknown, did you mean "json"?
            line 20: input.headers[0]: "(" is not a regular expression: unclosed group
            line 20: input.headers[1]: pattern is missing"#]],
    );
}

#[test]
fn warnings_name_what_is_seldom_meant() {
    check(
        r#"
[detect]
warmup = "1m"
[http]
listen = "0.0.0.0:9464"
"#,
        expect![[r#"
            line 3: detect.warmup: 1m is less than ten windows of 10s, expect anomalies from what is normal
            line 5: http.listen: 0.0.0.0:9464 is reachable from outside and there is no authentication but for the tokens of intake.sources
            intake.sources: there is none, so alerts are taken from this machine alone"#]],
    );
}

#[test]
fn a_syntax_error_names_its_line() {
    check(
        "[kafka]\nbrokers = [\"a\"\ntopics = 1\n",
        expect!["line 3: not TOML: missing comma between array elements, expected `,`"],
    );
}

#[test]
fn what_is_out_of_range_or_impossible_is_refused() {
    check(
        r#"
[kafka]
prefix = "a b"
topics = ["logs", "^(", "logwake.anomalies"]
replication_factor = 0
[kafka.properties]
group.id = "mine"
socket.timeout.ms = [1]
[alerts]
open_weight = nan
[telemetry]
otlp_endpoint = "https://collector:4318"
log = "loud=="
[http]
listen = "here"
[templates]
masks = [{ name = "a", pattern = "x" }, { name = "a", pattern = "y", colour = 1 }]
"#,
        expect![[r#"
            line 3: kafka.prefix: "a b" is not 1 to 200 of the characters a-z A-Z 0-9 . _ -
            line 4: kafka.topics: "^(" is not a regular expression: unclosed group
            line 5: kafka.replication_factor: 0 replicas hold nothing, -1 takes the broker's default
            line 7: kafka.properties.group.id: Logwake sets this itself, set kafka.prefix instead
            line 8: kafka.properties.socket.timeout.ms: must be a string, number or boolean, not a list
            line 10: alerts.open_weight: NaN is outside the range from 0 to 1000
            line 12: telemetry.otlp_endpoint: "https://collector:4318" does not begin with http://; spans go in the clear to a collector nearby, which can pass them on by TLS
            line 13: telemetry.log: "loud==" is not a log level or directive: error parsing level filter: expected one of "off", "error", "warn", "info", "debug", "trace", or a number 0-5
            line 15: http.listen: "here" is not an address with a port such as "127.0.0.1:9464", nor "off"
            line 17: templates.masks[1]: name "a" is given twice
            line 17: templates.masks[1].colour: unknown key, known here: name, pattern"#]],
    );
}

#[test]
fn variables_and_lists_are_read() {
    let config = parse("[kafka]\nbrokers = \"${BROKER}, b:1\"\ntopics = [\"${TOPIC:-logs}\"]\n");
    assert_eq!(config.kafka.brokers, ["kafka-1:9092", "b:1"]);
    assert_eq!(config.kafka.topics, ["logs"]);
    assert!(config.validate_for_run().is_empty());
    assert_eq!(Config::default().validate_for_run().len(), 2);
    check(
        "[kafka]\nbrokers = \"${NOWHERE}\"\n",
        expect![[
            r#"line 2: kafka.brokers: environment variable NOWHERE is not set, set it or write "${NOWHERE:-default}""#
        ]],
    );
}

#[test]
fn properties_may_be_quoted_or_not_and_secrets_come_from_files() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("password"), "hunter2\n").unwrap();
    let text = r#"
[kafka]
prefix_file = "password"
[kafka.properties]
security.protocol = "SASL_SSL"
"sasl.username" = "me"
sasl.password_file = "password"
queued.max.messages.kbytes = 1024
enable.ssl.certificate.verification = true
"#;
    let (config, _) = Config::parse(text, dir.path(), &env).unwrap();
    assert_eq!(config.kafka.prefix, "hunter2");
    assert_eq!(config.kafka.properties.0["sasl.password"], "hunter2");
    assert_eq!(config.kafka.properties.0["queued.max.messages.kbytes"], "1024");
    assert_eq!(config.kafka.properties.0["enable.ssl.certificate.verification"], "true");
    let shown = config.to_toml();
    assert!(shown.contains("\"sasl.password\" = \"(redacted)\""), "{shown}");
    assert!(shown.contains("\"sasl.username\" = \"me\""), "{shown}");
    let missing = text.replace("= \"password\"", "= \"nowhere\"");
    let problems = Config::parse(&missing, dir.path(), &env).unwrap_err();
    assert_eq!(problems.len(), 2, "{problems:?}");
}

#[test]
fn the_defaults_are_valid_and_what_is_printed_reads_back() {
    assert_eq!(Config::default().validate(), []);
    let mut config = parse(
        "[input]\nservice = \"web\"\nheaders = [{ name = \"h\", pattern = '(?<message>.*)\"' }]\n",
    );
    config.alerts.open_weight = 2.5;
    config.detect.window = Span::secs(90);
    assert_eq!(parse(&config.to_toml()), config);
    assert_eq!(parse(&Config::reference()), Config::default());
}

#[test]
fn what_is_wrong_with_a_sink_is_said_without_its_secrets() {
    check(
        r#"
[[notify]]
name = "pager"
kind = "pagerdooty"
[[notify]]
name = "pager"
kind = "slack"
url = "hooks.example/secret-path"
token = "hunter2"
per_minute = 0
reserve = 0.95
colour = "red"
[[notify]]
kind = "pagerduty"
severity_min = "eror"
template = "{{"
[[notify]]
name = "hook"
kind = "webhook"
url = "https://hook.example"
routing_key = "hunter2"
template = "{{ title"
"#,
        expect![[r#"
            line 2: notify[0].routing_key: is needed for kind "pagerduty"
            line 4: notify[0].kind: "pagerdooty" is unknown, did you mean "pagerduty"?
            line 6: notify[1].name: "pager" is given twice
            line 8: notify[1].url: is not an address that begins with https:// or http:// and a host
            line 9: notify[1].token: means nothing for kind "slack", remove it
            line 10: notify[1].per_minute: 0 is outside the range from 1 to 100000
            line 11: notify[1].reserve: 0.95 is outside the range from 0 to 0.9
            line 12: notify[1].colour: unknown key, known here: name, kind, url, routing_key, token, severity_min, services, send_resolved, per_minute, reserve, pages_per_week, timeout, give_up_after, template
            line 13: notify[2].name: is missing
            line 13: notify[2].routing_key: is needed for kind "pagerduty"
            line 15: notify[2].severity_min: "eror" is unknown, did you mean "error"?
            line 16: notify[2].template: is not a template: syntax error: unexpected end of input, expected expression (in body.json:1)
            line 16: notify[2].template: means nothing for kind "pagerduty", remove it
            line 21: notify[3].routing_key: means nothing for kind "webhook", remove it
            line 22: notify[3].template: is not a template: syntax error: unexpected end of input, expected end of variable block (in body.json:1)"#]],
    );
}

#[test]
fn sinks_are_read_and_shown_without_their_secrets() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("key"), "0123456789abcdef0123456789abcdef\n").unwrap();
    let text = r#"
[[notify]]
name = "pager"
kind = "pagerduty"
routing_key_file = "key"
severity_min = "error"
services = ["pay-*"]
[[notify]]
name = "chat"
kind = "slack"
url = "https://hooks.slack.com/services/T0/B0/hunter2"
[[notify]]
name = "am"
kind = "alertmanager"
url = "http://am:9093/"
token = "hunter2"
per_minute = 30
[[notify]]
name = "pager-2"
kind = "pagerduty"
routing_key = "0123456789abcdef0123456789abcdef"
"#;
    let (config, warnings) = Config::parse(text, dir.path(), &env).unwrap();
    let warnings: Vec<String> = warnings.iter().map(ToString::to_string).collect();
    expect!["line 21: notify[3].routing_key: its routing key may be sent 200 requests a minute by all that share it, PagerDuty takes 120; lower per_minute"].assert_eq(&warnings.join("\n"));
    let sinks = &config.notify.0;
    assert_eq!(sinks[0].routing_key.0.as_deref(), Some("0123456789abcdef0123456789abcdef"));
    assert_eq!(sinks[0].endpoint(), "https://events.pagerduty.com/v2/enqueue");
    assert_eq!(sinks[2].endpoint(), "http://am:9093/api/v2/alerts");
    let settings = sinks[0].settings();
    assert_eq!((settings.per_minute, settings.reserve), (100, 20));
    assert_eq!(settings.resend_every, None);
    let shown = config.to_toml();
    for secret in ["hunter2", "0123456789abcdef"] {
        assert!(!shown.contains(secret), "{shown}");
        assert!(!format!("{config:?}").contains(secret), "{config:?}");
    }
    assert!(shown.contains("url = \"https://hooks.slack.com/(redacted)\""), "{shown}");
    assert!(shown.contains("routing_key = \"(redacted)\""), "{shown}");
    assert_eq!(shown.matches("[[notify]]").count(), 4, "{shown}");
}

#[test]
fn the_manual_says_what_each_key_means() {
    let reference = Config::reference();
    let start = reference.find("[alerts]").unwrap();
    let end = reference.find("# Who is told").unwrap();
    expect![[r#"
        [alerts]
        # Weight of evidence at which an alert is sent.
        open_weight = 3.0
        # Event time within which anomalies of different services belong together.
        join_gap = "1m"
        # Event time without new evidence after which an alert is resolved.
        resolve_after = "2m"
        # Shortest event time between updates that bring only more of the same.
        update_every = "1m"
        # Time after which an alert of another system is held to be over, where it states no end and is not told again.
        forget_after = "1d"
        # Longest time for which what keeps coming back holds its alert open; an alert that ended can be reopened for as long.
        hold_max = "1d"
        # How often an alert of another system must come before it counts; a critical one counts at once.
        count_min = 1
        # How long an alert of another system must last before it counts; a critical one counts at once.
        duration_min = "0s"
        # Pages a day that alerts of other systems may cost; beyond, what comes back must have stayed away for up to four times as long.
        pages_per_day = 24.0
        # File of what services depend on, TOML: `shop = ["cart", "payments"]`, a line a service.
        # It is looked for beside the configuration.
        # topology =
        # Active alerts at most; beyond, the one with the least evidence gives way.
        clusters_max = 1000

        # Maintenance windows, in which what they are about is not sent; it may stand any number of times.
        # [[alerts.maintenance]]
        # Name of the window in decisions.
        # name = ""
        # Services that it is about, all where not set; `*` stands for any part of a name.
        # services = []
        # Hosts that it is about, in the same way.
        # hosts = []
        # Names of alerts or texts of templates that it is about, in the same way.
        # names = []
        # When it begins, if it comes once: RFC 3339, or a local time of `zone` such as `"2026-11-21T02:00"`.
        # from =
        # When it ends, if it comes once.
        # until =
        # Days on which it begins, if it comes again: `mon`, `tue`, `wed`, `thu`, `fri`, `sat`, `sun`; every day where not set.
        # days = []
        # Time of day in `zone` at which it begins, such as `"02:00"`.
        # A time that a change of the clocks skips is as much later as the clocks go on; of one that comes twice the first counts.
        # start =
        # How long it lasts, in time that passes, whatever the clocks do meanwhile.
        # duration =
        # Time zone of local times and days: an IANA name such as `Europe/Berlin`.
        # zone = "UTC"

    "#]]
    .assert_eq(&reference[start..end]);
}

#[test]
fn the_page_about_the_configuration_holds_every_key_as_it_is() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/configuration.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (head, rest) = page.split_once("## Every key").unwrap();
    let (intro, rest) = rest.split_once("```toml\n").unwrap();
    let (keys, tail) = rest.split_once("\n```").unwrap();
    let wanted = Config::reference();
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        let page = format!("{head}## Every key{intro}```toml\n{}\n```{tail}", wanted.trim_end());
        std::fs::write(&path, page).unwrap();
    } else {
        assert_eq!(keys.trim_end(), wanted.trim_end(), "run this test with UPDATE_EXPECT=1");
    }
}

//! Header kinds of plain lines: a line in; time, level, service, host and content out.

use expect_test::{Expect, expect};

use super::{each, samples};

fn check(lines: &str, expected: Expect) {
    expected.assert_eq(&each("auto", lines));
}

#[test]
fn iso_stamps_and_loggers() {
    check(
        samples::ISO_STAMPS_AND_LOGGERS,
        expect![[r#"
            2026-03-04T10:00:00.123456Z error svc | pool exhausted after 30 s
            2026-03-04T10:00:00.123Z info svc | vote timed out after 3200
            2026-03-04T10:00:00.123Z info svc | Created Master for app_7
            2026-03-04T10:00:00.123Z info svc | Server started on port 8080
            2026-03-04T10:00:00.123Z warn svc | slow cart 17
            2026-03-04T10:00:00.123Z warn svc | cart 17 is stale
            2026-03-04T10:00:00.123Z error svc | root ERROR cannot read settings
            2026-03-04T09:00:00.123Z info svc | listening on :8080
            2026-03-04T10:00:00.123456Z info svc | item added id=7
            2026-03-04T10:00:00Z info svc | item added
            2026-03-04T10:00:00.123Z info svc | [Broker id=0] started (kafka.server.Broker)
            2026-03-04T10:00:00.123Z info svc | [node-1] started
            2026-03-04T10:00:00Z info svc | Booting worker with pid: 7
            2026-03-04T10:00:00.123Z warn svc | task timed out
            2026-03-04T10:00:00.123456Z error svc | connection closed
            2026-03-04T10:00:00.123456Z warn svc | [Server] CA certificate is self signed.
            2026-03-04T10:00:00.123Z info svc | GC(0) Pause Young 24M->4M(256M) 3.1ms
            2026-03-04T10:00:00.123Z info svc | loading settings
            2026-03-04T10:00:00.123Z error svc | views 12 boom
            2026-03-04T10:00:00Z info svc | ready
            2026-03-04T10:00:00.123456Z error svc | undefined method
            2026-03-04T10:00:00.008Z info svc | accepted 10.0.0.1
            2026-03-04T10:00:00.123Z info svc | ready in 3 s
            2026-03-04T10:00:00Z info svc | Loaded component stack v6.1
            2026-03-04T10:00:00Z unknown svc | listening on :8080
            2026-03-04T10:00:00Z unknown svc | main.go:12: listening on :8080
            2026-03-04T10:00:00Z error svc | error reading block 17
            2026-03-04T10:00:00Z unknown svc | 404 pages missing
            2026-03-04T10:00:00Z error svc | got ERROR from upstream
            - info svc | root:started
            - error svc | disk full
            - error svc | error: disk full
            - unknown svc | Everything is fine: no header here
        "#]],
    );
}

#[test]
fn servers() {
    check(
        samples::SERVERS,
        expect![[r#"
            2026-03-04T10:00:00Z error svc | connect() failed (111: Connection refused) while connecting to upstream
            2026-03-04T09:00:00Z error svc | "GET /cart/17 HTTP/1.1" 502 157 "-" "curl/8.5"
            2026-03-04T10:00:00Z info svc | "GET /cart HTTP/1.1" 404 12
            2026-03-04T10:00:00Z info svc | "POST /pay HTTP/2.0" 200 12
            2026-03-04T10:00:00Z error svc | "GET / HTTP/1.1" 500 1234
            2026-03-04T10:00:00.123Z error svc | "GET /x HTTP/1.1" 503 UF 0 91
            2026-03-04T10:00:00Z error svc | worker 7 in bad state
            2026-03-04T10:00:00.123456Z error svc | [client 203.0.113.9:4711] File does not exist: /x
            2026-03-04T10:00:00.123Z info svc | duration: 1203.123 ms
            2026-03-04T10:00:00.123Z error svc | duplicate key value violates unique constraint "a"
            2026-03-04T10:00:00.123Z info svc | DETAIL:  Key (id)=(7) already exists.
            2026-03-04T09:00:00.123Z fatal svc | too many connections
            2026-03-04T10:00:00.123Z fatal svc | could not write to file
            2026-03-04T10:00:00.123Z info svc | Background saving started by pid 55
            2026-03-04T10:00:00.123Z warn svc | Can't save in background: fork: Cannot allocate memory
            2026-03-04T10:00:00.123Z debug svc | Connecting to primary
            2026-03-04T10:00:00.123Z debug svc | 0 clients connected
            2026-03-04T10:00:00.123456Z info svc | Starting controller
            2026-03-04T10:00:00.123456Z error svc | Failed to watch: connection refused
            2026-03-04T10:00:00.123Z error svc | [main] org.example.Catalina.start Failed to start
            2026-03-04T10:00:00Z unknown svc | org.example.Main run
            - unknown svc | usb 1-1: new high-speed device
            - info svc | Using G1
            2026-03-04T10:00:00.123Z info svc | Kernel started
        "#]],
    );
}

#[test]
fn syslog_and_clusters() {
    check(
        samples::SYSLOG_AND_CLUSTERS,
        expect![[r#"
            2026-03-04T10:00:00Z unknown sshd @web-1 | Failed password for root from 203.0.113.9 port 22
            2026-03-04T10:00:00Z unknown sshd @web-1 | session opened for user alice
            2026-03-04T10:00:00Z unknown kernel @web-1 | [12.5] Out of memory
            2026-03-04T10:00:00Z unknown svc @web-1 | last message repeated 2 times
            2026-03-04T10:00:00Z error sshd | error: PAM failure
            2026-03-04T10:00:00Z debug courier @mail-1 | imap(ann)<7><x/y=>: Debug: open(index) failed
            2026-03-04T10:00:00Z unknown courier @mail-1 | auth: the error: none
            - error svc | lmtp(ann): Error: disk full
            2025-10-11T22:14:15Z fatal su @db-1 | 'su root' failed
            2026-03-04T10:00:00.003Z info billing @db-1 | invoice sent
            2026-03-04T10:00:00Z info svc | plain
            2026-03-04T09:00:00.123456Z unknown billing @web-1 | invoice sent
            2026-03-04T10:00:00Z info svc | block blk_1 done
            2026-03-04T10:00:00Z info svc | Registered handlers
            2026-03-04T10:00:00.811Z debug svc | drawing
            2026-03-04T10:00:00Z unknown svc | browser - proxy:3128 open
            2026-03-04T10:00:00.675872Z info svc @R01-N3 | bit flip repaired
            2026-03-04T10:00:00Z unknown crond @cn17/cn17 | session closed
            2026-03-04T10:00:00Z unknown svc @node-17 | Component is unavailable
            2026-03-04T10:00:00.606Z unknown svc | beat 72
            2026-03-04T10:00:00Z unknown svc | disk full
            2026-03-04T10:00:00.123Z unknown svc | 1772618400123 disk full
            2026-03-04T10:00:00.123Z unknown svc | disk full
            2026-03-04T10:00:00Z error svc | disk full
            - unknown web-1 | disk full
        "#]],
    );
}

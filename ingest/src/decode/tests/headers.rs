//! Header kinds of plain lines: a line in; time, level, service, host and content out.

use expect_test::{Expect, expect};

use super::each;

fn check(lines: &str, expected: Expect) {
    expected.assert_eq(&each("auto", lines));
}

#[test]
fn iso_stamps_and_loggers() {
    check(
        "2026-03-04T10:00:00.123456Z ERROR pool exhausted after 30 s
2026-03-04 10:00:00,123 - INFO  [Worker-3:Peer@774] - vote timed out after 3200
2026-03-04 10:00:00,123 INFO [main] org.example.app.Master: Created Master for app_7
2026-03-04 10:00:00.123  INFO 1 --- [           main] o.e.web.TomcatServer  : Server started on port 8080
2026-03-04 10:00:00.123  WARN 1 --- [shop] [  http-2] c.e.shop.CartController : slow cart 17
2026-03-04 10:00:00,123 - shop.cart - WARNING - cart 17 is stale
2026-03-04 10:00:00,123 root ERROR cannot read settings
2026-03-04T10:00:00.123+0100\tINFO\tserver/main.go:42\tlistening on :8080
2026-03-04T10:00:00.123456Z  INFO shop::cart: item added id=7
[2026-03-04T10:00:00Z INFO  shop::cart] item added
[2026-03-04 10:00:00,123] INFO [Broker id=0] started (kafka.server.Broker)
[2026-03-04T10:00:00,123][INFO ][o.e.n.Node               ] [node-1] started
[2026-03-04 10:00:00 +0000] [7] [INFO] Booting worker with pid: 7
[2026-03-04 10:00:00,123: WARNING/MainProcess] task timed out
2026-03-04 10:00:00.123456+00:00 [error] <0.230.0> connection closed
2026-03-04T10:00:00.123456Z 0 [Warning] [MY-010068] [Server] CA certificate is self signed.
[2026-03-04T10:00:00.123+0000][info][gc] GC(0) Pause Young 24M->4M(256M) 3.1ms
INFO  [main] 2026-03-04 10:00:00,123 Loader.java:89 - loading settings
ERROR 2026-03-04 10:00:00,123 views 12 boom
[INFO] 2026-03-04 10:00:00 - ready
E, [2026-03-04T10:00:00.123456 #1234] ERROR -- : undefined method
nova-api.log.1 2026-03-04 10:00:00.008 31337 INFO nova.api.server [req-1 - - -] accepted 10.0.0.1
10:00:00.123 [main] INFO  com.example.App - ready in 3 s
2026-03-04 10:00:00, Info                  CBS    Loaded component stack v6.1
2026/03/04 10:00:00 listening on :8080
2026/03/04 10:00:00 main.go:12: listening on :8080
2026-03-04 10:00:00 error reading block 17
2026-03-04 10:00:00 404 pages missing
2026-03-04 10:00:00 got ERROR from upstream
INFO:root:started
[ERROR] disk full
error: disk full
Everything is fine: no header here",
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
        r#"2026/03/04 10:00:00 [error] 29#29: *17 connect() failed (111: Connection refused) while connecting to upstream
203.0.113.9 - - [04/Mar/2026:10:00:00 +0100] "GET /cart/17 HTTP/1.1" 502 157 "-" "curl/8.5"
203.0.113.9 - alice [04/Mar/2026:10:00:00 +0000] "GET /cart HTTP/1.1" 404 12
shop.example:443 203.0.113.9 - - [04/Mar/2026:10:00:00 +0000] "POST /pay HTTP/2.0" 200 12
[04/Mar/2026 10:00:00] "GET / HTTP/1.1" 500 1234
[2026-03-04T10:00:00.123Z] "GET /x HTTP/1.1" 503 UF 0 91
[Wed Mar 04 10:00:00 2026] [error] worker 7 in bad state
[Wed Mar 04 10:00:00.123456 2026] [core:error] [pid 12:tid 99] [client 203.0.113.9:4711] File does not exist: /x
2026-03-04 10:00:00.123 UTC [123] app@shop LOG:  duration: 1203.123 ms
2026-03-04 10:00:00.123 UTC [123] ERROR:  duplicate key value violates unique constraint "a"
2026-03-04 10:00:00.123 UTC [123] DETAIL:  Key (id)=(7) already exists.
2026-03-04 10:00:00.123 CET [123] postgres@shop FATAL:  too many connections
2026-03-04 10:00:00.123 GMT [1]: [3-1] user=app,db=shop,client=10.0.0.7 PANIC:  could not write to file
1234:M 04 Mar 2026 10:00:00.123 * Background saving started by pid 55
1234:M 04 Mar 2026 10:00:00.123 # Can't save in background: fork: Cannot allocate memory
1234:S 04 Mar 10:00:00.123 - Connecting to primary
[1234] 04 Mar 10:00:00.123 . 0 clients connected
I0304 10:00:00.123456       1 controller.go:12] Starting controller
E0304 10:00:00.123456   77123 reflector.go:138] Failed to watch: connection refused
04-Mar-2026 10:00:00.123 SEVERE [main] org.example.Catalina.start Failed to start
Mar 04, 2026 10:00:00 AM org.example.Main run
[   12.345678] usb 1-1: new high-speed device
[0.012s][info][gc] Using G1
[I 2026-03-04 10:00:00.123 ServerApp] Kernel started"#,
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
        r#"Mar  4 10:00:00 web-1 sshd[4242]: Failed password for root from 203.0.113.9 port 22
Mar  4 10:00:00 web-1 sshd(pam_unix)[777]: session opened for user alice
Mar  4 10:00:00 web-1 kernel: [12.5] Out of memory
Mar  4 10:00:00 web-1 last message repeated 2 times
Mar  4 10:00:00 sshd[4242]: error: PAM failure
Mar  4 10:00:00 mail-1 courier: imap(ann)<7><x/y=>: Debug: open(index) failed
Mar  4 10:00:00 mail-1 courier: auth: the error: none
lmtp(ann): Error: disk full
<34>Oct 11 22:14:15 db-1 su[123]: 'su root' failed
<165>1 2026-03-04T10:00:00.003Z db-1 billing 77 ID47 [x@32473 k="v \] w"] invoice sent
<13>1 2026-03-04T10:00:00Z - - - - - plain
2026-03-04T10:00:00.123456+01:00 web-1 billing[12]: invoice sent
260304 100000 148 INFO dfs.Node$Receiver: block blk_1 done
26/03/04 10:00:00 INFO util.Executor: Registered handlers
03-04 10:00:00.811  1234  5678 D PanelService: drawing
[03.04 10:00:00] browser - proxy:3128 open
- 1772618400 2026.03.04 R01-N3 2026-03-04-10.00.00.675872 R01-N3 RAS KERNEL INFO bit flip repaired
- 1772618400 2026.03.04 cn17 Mar 4 11:00:00 cn17/cn17 crond(pam_unix)[77]: session closed
4711 node-17 disk.hw state_change.failed 1772618400 1 Component is unavailable
20260304-10:00:00:606|Pulse_Meter|4711|beat 72
1772618400 disk full
1772618400.123 1772618400123 disk full
1772618400123 disk full
web-1  | 2026-03-04 10:00:00 ERROR disk full
web-1  | disk full"#,
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

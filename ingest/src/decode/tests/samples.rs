//! Lines as programs write them, for every test of this folder.

pub(super) const ISO_STAMPS_AND_LOGGERS: &str = "2026-03-04T10:00:00.123456Z ERROR pool exhausted after 30 s
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
Everything is fine: no header here";

pub(super) const SERVERS: &str = r#"2026/03/04 10:00:00 [error] 29#29: *17 connect() failed (111: Connection refused) while connecting to upstream
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
[I 2026-03-04 10:00:00.123 ServerApp] Kernel started"#;

pub(super) const SYSLOG_AND_CLUSTERS: &str = r#"Mar  4 10:00:00 web-1 sshd[4242]: Failed password for root from 203.0.113.9 port 22
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
web-1  | disk full"#;

pub(super) const ENVELOPES: &str = r#"{"@timestamp":"2026-03-04T10:00:01.000Z","@metadata":{"beat":"filebeat"},"log":{"file":{"path":"/var/log/shop.log"},"offset":0},"message":"2026-03-04 10:00:00.500 ERROR cart lost","host":{"name":"web-1"}}
{"@timestamp":"2026-03-04T10:00:01.000Z","log.level":"WARN","log":{"logger":"a.b"},"service.name":"shop","message":"cart slow","error":{"message":"timed out","stack_trace":"a.B: timed out\n\tat a.B.run(B.java:3)"}}
{"@timestamp":"2026-03-04T10:00:01.000Z","@version":"1","message":"Mar  4 10:00:00 db-1 sshd[1]: closed","host":{"hostname":"collector"}}
{"@timestamp":1772618400.5,"log":"E0304 10:00:00.250000       1 a.go:1] boom\n","stream":"stderr","kubernetes":{"pod_name":"shop-1","container_name":"shop","labels":{"app.kubernetes.io/name":"cart"}}}
{"file":"/var/log/x.log","host":"h","message":"disk full","source_type":"file","timestamp":"2026-03-04T10:00:00.123456789Z"}
{"version":"1.1","host":"h","short_message":"boom","full_message":"boom\nat x","timestamp":1772618400.25,"level":3,"_app":"shop"}
{"log":"line\n","stream":"stdout","time":"2026-03-04T10:00:00.123456789Z"}
{"level":50,"time":1772618400123,"pid":1,"hostname":"h","msg":"boom","err":{"message":"refused"}}
{"level":"error","ts":1772618400.5,"caller":"a/b.go:1","msg":"boom","error":"refused"}
{"t":{"$date":"2026-03-04T10:00:00.123+00:00"},"s":"W","c":"NETWORK","id":1,"ctx":"conn1","msg":"slow"}
{"@t":"2026-03-04T10:00:00Z","@mt":"user {Id} in","@m":"user 7 in","@l":"Warning","Id":7}
{"MESSAGE":"boom","PRIORITY":"3","_HOSTNAME":"h","SYSLOG_IDENTIFIER":"cron","__REALTIME_TIMESTAMP":"1772618400123456"}
{"message":"{\"level\":\"warn\",\"msg\":\"nested\",\"service\":\"shop\"}","@timestamp":"2026-03-04T10:00:00Z","log":{"file":{"path":"/x/y.log"}}}
{"message":"x","log":{"record":{"template":"x <*>"}}}
{"time":"2026-03-04T10:00:00Z","user":"al ice","n":7,"level":"info","a":{"b":true}}
{"message":""}
{"a":1
[1,2]"#;

pub(super) const LOGFMT: &str = r#"level=info ts=2026-03-04T10:00:00.1Z caller=main.go:3 msg="Server started" port=80
time="2026-03-04T10:00:00Z" level=warning msg="slow query" app=shop error="timed out"
ts=2026-03-04T10:00:00Z level=error component=tsdb n=3
2026-03-04 10:00:00 level=info msg=hello"#;

pub(super) const JAVA: &str = "2026-03-04 10:00:00 ERROR a.B: failed
java.lang.IllegalStateException: no cart
\tat a.B.run(B.java:3)
\t... 12 more
Caused by: java.io.IOException: refused
\tat a.C.run(C.java:3)
2026-03-04 10:00:01 INFO next";

pub(super) const PYTHON: &str = "INFO start
Traceback (most recent call last):
  File \"a.py\", line 1, in <module>
    boom()
KeyError: 'a'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File \"a.py\", line 3, in <module>
ValueError: b
INFO next";

pub(super) const GO: &str = "2026/03/04 10:00:00 ready
panic: runtime error: index out of range [5] with length 3

goroutine 1 [running]:
main.main()
\t/app/main.go:12 +0x1d
exit status 2
2026/03/04 10:00:00 ready";

pub(super) const RUST_AND_DOTNET: &str = "INFO ready
thread 'main' panicked at src/main.rs:4:5:
index out of bounds
note: run with `RUST_BACKTRACE=1`
stack backtrace:
   0: std::panicking
INFO ready
Unhandled exception. System.Exception: boom
   at A.B.Run() in a.cs:line 3
--- End of stack trace from previous location ---
INFO ready";

pub(super) const OTLP: &str = r#"{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}},{"key":"host.name","value":{"stringValue":"h"}}]},"scopeLogs":[{"logRecords":[
        {"timeUnixNano":"1772618400000000000","severityNumber":17,"severityText":"ERROR","body":{"stringValue":"boom"}},
        {"timeUnixNano":1772618400000000000,"severityNumber":"SEVERITY_NUMBER_WARN2","body":{"kvlistValue":{"values":[{"key":"a","value":{"intValue":"7"}}]}}},
        {"observedTimeUnixNano":"1772618400000000000","body":{"stringValue":""}, "attributes":[{"key":"log.record.template","value":{"stringValue":"t"}}]}]}]}]}"#;

pub(super) const MIXED: [&str; 32] = [
    "2026-03-04 10:00:00 INFO a",
    "2026-03-04 10:00:00 ERROR a.b.C: b",
    "Mar  4 10:00:00 h a[1]: x",
    "Dec 31 23:59:59 h a[1]: x",
    "\tat a.b.C(D.java:1)",
    "Caused by: x",
    "java.lang.IllegalStateException: x",
    "Traceback (most recent call last):",
    "  File",
    "KeyError: 'a'",
    "",
    "During handling of the above exception, another exception occurred:",
    "panic: x",
    "goroutine 1 [running]:",
    "main.main()",
    "thread 'main' panicked at a.rs:1:2:",
    "note: run with",
    "plain",
    "2026-03-04T10:00:00Z stdout P part",
    "2026-03-04T10:00:00Z stdout F part",
    "2026-03-04T10:00:00Z stderr P part",
    r#"{"message":"\tat x(","service":"a"}"#,
    r#"{"message":"2026-03-04 10:00:00 INFO a","service":"b"}"#,
    r#"{"log":"a","logtag":"P","kubernetes":{"pod_name":"p"}}"#,
    r#"{"log":"a\n","kubernetes":{"pod_name":"p"}}"#,
    r#"{"msg":"#,
    r#"{"a":1}"#,
    "level=info msg=a",
    "level=info a=b",
    "<34>Oct 11 22:14:15 h su: x",
    "\u{feff}\u{1b}[31mERROR\u{1b}[0m",
    r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"a"}},{}]}]}]}"#,
];

/// Every line.
pub(super) fn all() -> impl Iterator<Item = &'static str> {
    let texts = [
        ISO_STAMPS_AND_LOGGERS,
        SERVERS,
        SYSLOG_AND_CLUSTERS,
        ENVELOPES,
        LOGFMT,
        JAVA,
        PYTHON,
        GO,
        RUST_AND_DOTNET,
    ];
    texts
        .into_iter()
        .flat_map(str::lines)
        .chain(MIXED)
        .chain([OTLP])
        .filter(|line| !line.is_empty())
}

//! Content of several lines: stack traces of many languages.

use super::*;

fn check_trace(trace: &str, expect: Expect) {
    expect.assert_eq(&masked(trace));
}

#[test]
fn java_tells_first_line_and_causes() {
    check_trace(
        "request 7 failed\n\tat a.B.c(B.java:10)\nCaused by: a.B.DiskError: sector 9\n\
         \tat x.Y(Z.java:1)\n\t... 12 more",
        expect!["request <*> failed Caused by: a.B.DiskError: sector <*>"],
    );
}

#[test]
fn python_tells_what_was_raised() {
    check_trace(
        "Traceback (most recent call last):\n  File \"/a.py\", line 3\n    f()\nValueError: bad 5",
        expect!["Traceback (most recent call last): ValueError: bad <*>"],
    );
    check_trace(
        "job 7 failed\nTraceback (most recent call last):\n  File \"/a.py\", line 3, in f\n    g()\n\
         requests.exceptions.ConnectTimeout: no answer in 30 s\n\n\
         During handling of the above exception, another exception occurred:\n\n\
         Traceback (most recent call last):\n  File \"/a.py\", line 9, in h\n    f()\n\
         app.StillBroken: gave up after 3",
        expect![
            "job <*> failed requests.exceptions.ConnectTimeout: no answer in <*> s app.StillBroken: gave up after <*>"
        ],
    );
}

#[test]
fn go_tells_the_panic() {
    check_trace(
        "panic: runtime error: index out of range [5] with length 3\n\ngoroutine 7 [running]:\n\
         main.work(0xc000012345)\n\t/src/main.go:12 +0x1d\nexit status 2",
        expect!["panic: runtime error: index out of range [<*>] with length <*>"],
    );
    check_trace(
        "worker 3 stopped\npanic: send on closed channel\n\ngoroutine 1 [running]:\nmain.main()",
        expect!["worker <*> stopped panic: send on closed channel"],
    );
}

#[test]
fn node_tells_the_error() {
    check_trace(
        "TypeError: Cannot read properties of undefined (reading 'id')\n\
         \u{20}   at handle (/app/routes/order.js:17:23)\n    at process.next (node:internal/x:95:5)",
        expect!["TypeError: Cannot read properties of <*> (reading 'id')"],
    );
    check_trace(
        "/app/index.js:10\n    throw new Error('x');\n    ^\n\nError: queue 7 is full\n    at a (/b.js:1:2) {\n\
         \u{20} [cause]: Error: connect ECONNREFUSED 10.0.0.1:5432\n      at c (/d.js:3:4)\n}",
        expect!["<*> Error: queue <*> is full [cause]: Error: connect ECONNREFUSED <*>"],
    );
}

#[test]
fn dotnet_tells_the_inner_exceptions() {
    check_trace(
        "Unhandled exception. System.InvalidOperationException: order 7 is closed\n\
         \u{20}---> System.IO.IOException: disk 3 is full\n   at Shop.Save(Order o) in /src/Shop.cs:line 10\n\
         \u{20}  --- End of inner exception stack trace ---\n   at Shop.Main() in /src/Main.cs:line 3",
        expect![
            "Unhandled exception. System.InvalidOperationException: order <*> is closed ---> System.IO.IOException: disk <*> is full"
        ],
    );
}

#[test]
fn rust_tells_the_message_of_a_panic() {
    check_trace(
        "thread 'worker-3' panicked at src/main.rs:4:5:\nindex out of bounds: the len is 3 but the index is 5\n\
         stack backtrace:\n   0: rust_begin_unwind\n   1: core::panicking::panic_fmt",
        expect![
            "thread 'worker-<*>' panicked at src/main.rs:<*>: index out of bounds: the len is <*> but the index is <*>"
        ],
    );
    check_trace(
        "Error: could not open the store\n\nCaused by:\n    No such file or directory (os error 2)",
        expect![
            "Error: could not open the store Caused by: No such file or directory (os error <*>)"
        ],
    );
}

#[test]
fn frames_do_not_matter() {
    let trace = |line: u32, frames: usize| {
        let frames = format!("\tat a.B.c(B.java:{line})\n").repeat(frames);
        masked(&format!(
            "request {line} failed\n{frames}Caused by: a.Broken: disk {line}\n{frames}"
        ))
    };
    assert_eq!(trace(3, 4), trace(17, 400));
}

//! Measures decoding: nanoseconds a line for several kinds of lines, or for the lines of a file.
//!
//! `cargo run --release -p logwake-ingest --example decode_speed [FILE…]`; with `--print`, prints the records instead.

#![allow(clippy::print_stdout, reason = "an example prints")]

use std::io::Write;
use std::sync::Arc;
use std::time::Instant;

use logwake_detector::record::Record;
use logwake_detector::time::Timestamp;
use logwake_ingest::decode::{Decoder, DecoderOptions, Reason, Sink};
use logwake_ingest::files::{FileSource, Line, service_of};

const KINDS: [(&str, &str); 9] = [
    (
        "hdfs",
        "260304 100000 148 INFO dfs.Node$Receiver: stored block blk_-4711004711004711004 of 65536 bytes from /10.0.0.7",
    ),
    (
        "spring",
        "2026-03-04 10:00:00.123  INFO 1 --- [           main] o.e.web.TomcatServer  : Server started on port 8080 (http)",
    ),
    (
        "syslog",
        "Mar  4 10:00:00 web-1 sshd[4242]: Failed password for root from 203.0.113.9 port 4711 ssh2",
    ),
    (
        "access",
        "203.0.113.9 - - [04/Mar/2026:10:00:00 +0000] \"GET /cart/17 HTTP/1.1\" 200 157 \"-\" \"curl/8.5\"",
    ),
    (
        "nginx",
        "2026/03/04 10:00:00 [error] 29#29: *17 connect() failed (111: Connection refused) while connecting to upstream",
    ),
    (
        "bare",
        "Everything that this line says is content, there is no header in it at all, just words",
    ),
    (
        "logfmt",
        "level=info ts=2026-03-04T10:00:00.123Z caller=main.go:371 msg=\"Server is ready to receive requests\" port=9090",
    ),
    (
        "cri",
        "2026-03-04T10:00:00.123456789Z stdout F 2026-03-04 10:00:00.123 INFO cart 17 of user 4711 saved in 12 ms",
    ),
    (
        "filebeat",
        r#"{"@timestamp":"2026-03-04T10:00:01.000Z","@metadata":{"beat":"filebeat","type":"_doc","version":"8.14.4"},"log":{"file":{"path":"/var/log/shop.log"},"offset":0},"message":"2026-03-04 10:00:00.500 ERROR cart 17 of user 4711 lost","input":{"type":"log"},"host":{"name":"web-1"},"agent":{"id":"1a300adf-0000","name":"web-1","type":"filebeat","version":"8.14.4"},"ecs":{"version":"8.0.0"}}"#,
    ),
];

#[derive(Default)]
struct Count {
    records: u64,
    lines: u64,
    rejected: u64,
    content: u64,
    dated: u64,
    print: bool,
}

impl Sink for Count {
    fn record(&mut self, record: &Record<'_>) {
        self.records += 1;
        self.lines += u64::from(record.lines);
        self.content += record.content.len() as u64;
        self.dated += u64::from(record.time.is_some());
        if self.print {
            let time = record.time.map_or(0, Timestamp::as_nanos);
            let content = String::from_utf8_lossy(record.content).replace('\n', "\\n");
            let line = format!(
                "{time}\t{}\t{}\t{}\t{content}\n",
                record.level.as_str(),
                record.service,
                record.host
            );
            let _ = std::io::stdout().lock().write_all(line.as_bytes());
        }
    }
    fn reject(&mut self, _: u64, lines: u32, _: Reason, _: &[u8]) {
        self.rejected += u64::from(lines);
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let now = Timestamp::from_secs(1_772_668_800);
    let options = Arc::new(DecoderOptions { now, ..DecoderOptions::default() });
    let mut paths: Vec<_> = std::env::args().skip(1).collect();
    let print = paths.iter().any(|path| path == "--print");
    paths.retain(|path| path != "--print");
    if paths.is_empty() {
        for (name, line) in KINDS {
            let mut decoder = Decoder::new(options.clone(), "svc");
            let mut count = Count::default();
            let start = Instant::now();
            const LINES: u64 = 1_000_000;
            for offset in 0..LINES {
                decoder.push(std::hint::black_box(line.as_bytes()), offset, None, &mut count);
            }
            decoder.flush(&mut count);
            let nanos = start.elapsed().as_nanos() as f64 / LINES as f64;
            println!(
                "{name:10} {nanos:6.0} ns/line {:6.0} MB/s, {} records",
                line.len() as f64 * 1e3 / nanos,
                count.records
            );
        }
    }
    for path in paths {
        let mut file = FileSource::open(&path)?;
        let mut decoder = Decoder::new(options.clone(), service_of(path.as_ref()));
        let mut count = Count { print, ..Count::default() };
        let (start, mut lines, mut bytes) = (Instant::now(), 0_u64, 0);
        while let Some(line) = file.next_line()? {
            match line {
                Line::Text(text) => {
                    bytes += text.len();
                    decoder.push(text, lines, None, &mut count);
                }
                Line::TooLong { head, .. } => count.reject(lines, 1, Reason::TooLong, head),
            }
            lines += 1;
        }
        decoder.flush(&mut count);
        let nanos = start.elapsed().as_nanos() as f64;
        if !print {
            println!(
                "{path}: {lines} lines, {} records, {} dated, {} rejected; {:.0} ns/line, {:.0} MB/s, content {:.0} %",
                count.records,
                count.dated,
                count.rejected,
                nanos / lines.max(1) as f64,
                bytes as f64 * 1e3 / nanos,
                count.content as f64 * 100.0 / bytes.max(1) as f64,
            );
        }
        assert_eq!(count.lines + count.rejected, lines, "every line is counted once");
    }
    Ok(())
}

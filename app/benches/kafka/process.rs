//! What a process takes, as Linux counts it.

use std::collections::BTreeMap;
use std::fs;

/// CPU seconds of a process, in hundredths.
pub fn cpu_secs(pid: u32) -> f64 {
    of_stat(&format!("/proc/{pid}/stat"))
}

/// CPU seconds of the threads of a process, by name.
pub fn cpu_by_thread(pid: u32) -> BTreeMap<String, f64> {
    let mut sums = BTreeMap::new();
    for task in fs::read_dir(format!("/proc/{pid}/task")).unwrap().flatten() {
        let path = task.path();
        let Ok(name) = fs::read_to_string(path.join("comm")) else { continue };
        let secs = of_stat(path.join("stat").to_str().unwrap());
        *sums.entry(name.trim().to_owned()).or_insert(0.0) += secs;
    }
    sums
}

fn of_stat(path: &str) -> f64 {
    let Ok(stat) = fs::read_to_string(path) else { return 0.0 };
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    let ticks: u64 = fields.split(' ').skip(11).take(2).map(|it| it.parse::<u64>().unwrap()).sum();
    ticks as f64 / 100.0
}

/// Memory of a process in MiB: `VmRSS` now, `VmHWM` at most.
pub fn memory_mib(pid: u32, what: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(what)).unwrap();
    line.trim_matches(|c: char| !c.is_ascii_digit()).parse::<u64>().unwrap() / 1024
}

/// CPU seconds of the brokers that `scripts/kafka` started at the addresses under test.
pub fn brokers_secs() -> f64 {
    let script = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/kafka");
    let Ok(status) = std::process::Command::new(script).arg("status").output() else { return 0.0 };
    let status = String::from_utf8_lossy(&status.stdout).into_owned();
    let pids = status.lines().filter_map(|line| {
        let (_, rest) = line.split_once(": process ")?;
        rest.split(',').next()?.parse().ok()
    });
    pids.map(cpu_secs).sum()
}

/// Load of the machine over the last minute.
pub fn load() -> String {
    fs::read_to_string("/proc/loadavg").unwrap().split(' ').next().unwrap().to_owned()
}

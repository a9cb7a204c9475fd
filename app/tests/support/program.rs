//! `logwake` as a process.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

/// Longest wait for a process to end.
const DEADLINE: Duration = Duration::from_secs(60);

/// Names the program under test; `LOGWAKE_TEST_BIN` names another build of it.
fn program() -> PathBuf {
    std::env::var_os("LOGWAKE_TEST_BIN").unwrap_or(env!("CARGO_BIN_EXE_logwake").into()).into()
}

/// Runs a command to its end.
pub fn logwake<S: AsRef<std::ffi::OsStr>>(args: &[S]) -> Ran {
    let output = Command::new(program())
        .args(args)
        .env("NO_COLOR", "1")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    Ran::from(output)
}

/// Runs a command to its end under limits that a shell sets first.
pub fn limited(limits: &str, args: &[&str]) -> Ran {
    let script = format!("{limits}; exec \"$0\" \"$@\"");
    let mut shell = Command::new("sh");
    shell.args(["-c", &script]).arg(program()).args(args).env("NO_COLOR", "1");
    Ran::from(shell.stdin(Stdio::null()).output().unwrap())
}

/// Runs a command with something on its standard input.
pub fn logwake_with_stdin(args: &[&str], stdin: &[u8]) -> Ran {
    let mut child = Command::new(program())
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), stdin).unwrap();
    Ran::from(child.wait_with_output().unwrap())
}

/// A command that is still running.
pub struct Started(Child);

impl Started {
    pub fn new(args: &[&str]) -> Self {
        let piped = || Stdio::piped();
        let mut command = Command::new(program());
        Self(command.args(args).stdin(piped()).stdout(piped()).stderr(piped()).spawn().unwrap())
    }

    /// Writes lines to its standard input, interrupts it after the first thousands, and goes on
    /// writing until it takes no more.
    pub fn interrupt_while_it_reads(mut self, lines: impl Iterator<Item = String>) -> Ran {
        let mut stdin = self.0.stdin.take().unwrap();
        for (number, line) in lines.enumerate() {
            if number == 20_000 {
                interrupt(&self.0);
            }
            if std::io::Write::write_all(&mut stdin, line.as_bytes()).is_err() {
                break;
            }
        }
        drop(stdin);
        Ran::from(self.0.wait_with_output().unwrap())
    }
}

fn interrupt(child: &Child) {
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
}

/// What a command came to.
#[derive(Debug)]
pub struct Ran {
    pub status: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            status: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl Ran {
    /// Asserts that it did what was asked without a word on standard error.
    #[track_caller]
    pub fn done(self) -> String {
        assert_eq!((self.status, self.stderr.as_str()), (Some(0), ""), "{}", self.stdout);
        self.stdout
    }

    /// Asserts a status and one sentence on standard error that names all of `names`.
    #[track_caller]
    pub fn failed(&self, status: i32, names: &[&str]) {
        let stderr = self.stderr.trim_end();
        assert_eq!(self.status, Some(status), "{stderr}");
        assert!(stderr.starts_with("logwake: "), "{stderr}");
        assert_eq!(stderr.lines().count(), 1, "one sentence: {stderr}");
        assert!(!stderr.contains("panicked"), "{stderr}");
        for name in names {
            assert!(stderr.contains(name), "{name:?} is not in: {stderr}");
        }
    }
}

/// `logwake run` in the background; killed where it is dropped.
pub struct Service {
    child: Child,
    log: PathBuf,
}

impl Service {
    /// Starts it with a configuration; its log goes to a file of that name in the folder.
    pub fn start(dir: &Path, name: &str, config: &str) -> Self {
        Self::start_with(dir, name, config, &[])
    }

    /// Starts it with further variables in its environment.
    pub fn start_with(dir: &Path, name: &str, config: &str, env: &[(&str, &str)]) -> Self {
        let path = dir.join(format!("{name}.toml"));
        std::fs::write(&path, config).unwrap();
        let log = dir.join(format!("{name}.log"));
        let stderr = File::options().create(true).append(true).open(&log).unwrap();
        let child = Command::new(program())
            .args(["run", "-c"])
            .arg(&path)
            .envs(env.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(stderr)
            .spawn()
            .unwrap();
        Self { child, log }
    }

    /// Returns everything logged under its name, earlier processes included.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// Waits for a text in its log.
    #[track_caller]
    pub fn wait_for_log(&mut self, text: &str) {
        let begin = Instant::now();
        while !self.log().contains(text) {
            assert!(self.child.try_wait().unwrap().is_none(), "it ended: {}", self.log());
            assert!(begin.elapsed() < DEADLINE, "no {text:?} in: {}", self.log());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Sends it a signal by its name.
    pub fn signal(&self, name: &str) {
        let (signal, pid) = (format!("-{name}"), self.child.id().to_string());
        assert!(Command::new("kill").args([&signal, &pid]).status().unwrap().success());
    }

    /// Returns its number.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Returns the CPU time that it took so far, as Linux counts it: in hundredths of a second.
    pub fn cpu_secs(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        let (_, fields) = stat.rsplit_once(") ").unwrap();
        let ticks: u64 =
            fields.split(' ').skip(11).take(2).map(|it| it.parse::<u64>().unwrap()).sum();
        ticks as f64 / 100.0
    }

    /// Returns its status if it ended.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// Asks it to stop; returns its status and how long that took.
    pub fn terminate(mut self) -> (ExitStatus, Duration) {
        let begin = Instant::now();
        self.signal("TERM");
        while begin.elapsed() < DEADLINE {
            if let Some(status) = self.child.try_wait().unwrap() {
                assert!(!self.log().contains("panicked"), "{}", self.log());
                return (status, begin.elapsed());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        panic!("it does not stop: {}", self.log());
    }

    /// Asks it to stop and asserts that it did so in good order within five seconds.
    #[track_caller]
    pub fn stop(self) {
        let log = self.log.clone();
        let (status, took) = self.terminate();
        let log = std::fs::read_to_string(log).unwrap();
        assert_eq!(status.code(), Some(0), "{log}");
        assert!(took < Duration::from_secs(5), "it took {took:?}: {log}");
    }

    /// Ends it as a crash would.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- {}\n{}", self.log.display(), self.log());
        }
    }
}

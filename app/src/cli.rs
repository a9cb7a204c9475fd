//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Streaming log anomaly detection: Kafka in, explained alert clusters out.
#[derive(Debug, Parser)]
#[command(name = "logwake", version, max_term_width = 100, arg_required_else_help = true)]
pub struct Cli {
    /// When to colour what is printed for people
    #[arg(long, global = true, value_enum, default_value_t = ColorChoice::Auto)]
    pub color: ColorChoice,
    #[command(subcommand)]
    pub command: Command,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Play a captured incident through the whole Kafka pipeline, without a server to install
    #[command(after_help = "Example:\n  logwake demo --serve")]
    Demo(DemoArgs),
    /// Run the always-on service
    #[command(after_help = "Example:\n  logwake run -c logwake.toml")]
    Run(ConfigArgs),
    /// Show what captured logs would have raised, when and why
    #[command(
        after_help = "Example:\n  logwake replay --out report /var/log/shop/*.log.gz\n  logwake replay --labels labels.csv --learn 10m --out report captured/\n  logwake replay --learn 7d --save-learned learned.state --out report last-week/"
    )]
    Replay(ReplayArgs),
    /// Print the template of each line as JSON, one line for one line
    #[command(
        after_help = "Example:\n  printf 'user alice logged in\\nuser bob logged in\\n' | logwake annotate --settled -"
    )]
    Annotate(AnnotateArgs),
    /// Print the table of templates
    #[command(
        after_help = "Example:\n  logwake templates /var/log/shop/*.log\n  logwake templates --lock templates.lock captured/\n  logwake templates --lock templates.lock --check captured/"
    )]
    Templates(TemplatesArgs),
    /// Compare the templates of two captures: new, gone, shifted
    #[command(
        after_help = "Example:\n  logwake diff before.log after.log\n  logwake diff --fail-on new,grave --format junit before/ after/ > report.xml"
    )]
    Diff(DiffArgs),
    /// Say why an anomaly or alert was raised, sent, grouped or suppressed
    #[command(
        after_help = "Example:\n  logwake explain alert_1f0c2d9e5a7b3c41 --dir report\n  logwake explain a_0123456789abcdef --url http://127.0.0.1:9464"
    )]
    Explain(ExplainArgs),
    /// Prove from the topics that every log record was tallied once and every result came once
    #[command(
        after_help = "Reads the topics while the service runs or rests; exits 3 where something does not fit.\nExample:\n  logwake verify -c logwake.toml"
    )]
    Verify(VerifyArgs),
    /// Check a configuration and report everything that is wrong with it
    #[command(after_help = "Example:\n  logwake check -c logwake.toml --connect")]
    Check(CheckArgs),
    /// Print the effective configuration, secrets redacted
    #[command(after_help = "Example:\n  logwake config -c logwake.toml\n  logwake config --docs")]
    Config(ShowConfigArgs),
    /// Print the completions of a shell
    #[command(after_help = "Example:\n  logwake completions bash > /etc/bash_completion.d/logwake")]
    Completions {
        /// Which shell
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    #[command(after_help = "Example:\n  logwake man > logwake.1")]
    Man,
}

#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Keep the page and /metrics up until interrupted
    #[arg(long)]
    pub serve: bool,
    /// Address of the page
    #[arg(long, default_value = "127.0.0.1:9464")]
    pub listen: std::net::SocketAddr,
    /// How many seconds the incident is played in
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub seconds: u64,
}

#[derive(Debug, Args)]
pub struct ConfigArgs {
    /// Configuration file
    #[arg(short, long, value_name = "FILE")]
    pub config: PathBuf,
}

#[derive(Debug, Args)]
pub struct InputArgs {
    /// Configuration file; without one the defaults hold
    #[arg(short, long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// How lines are written: auto, plain, json, logfmt, syslog, cri, docker, gelf, otlp, or the
    /// name of a header pattern from the configuration
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<String>,
}

#[derive(Debug, Args)]
pub struct ReplayArgs {
    #[command(flatten)]
    pub input: InputArgs,
    /// Known incidents to score against, CSV with the header start,end,service,kind
    /// for incidents or session,anomalous for sessions; .xz, .gz and .zst are unpacked
    #[arg(long, value_name = "FILE")]
    pub labels: Option<PathBuf>,
    /// Regular expression that names the session of a record: its first group, or the whole match
    #[arg(long, value_name = "REGEX")]
    pub session_key: Option<String>,
    /// Time from the first record that is learned as normal and raises nothing, such as 10m
    #[arg(long, value_name = "SPAN")]
    pub learn: Option<String>,
    /// Keep what was learned of every service in this file, for `detect.learned` of a run
    #[arg(long, value_name = "FILE")]
    pub save_learned: Option<PathBuf>,
    /// Folder for report.html, anomalies.jsonl, alerts.jsonl, decisions.jsonl, deadletter.jsonl,
    /// summary.json
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// The files are captures of this topic, a partition each from offset 0: positions and ids are
    /// those of a live run
    #[arg(long, value_name = "TOPIC")]
    pub topic: Option<String>,
    /// Alerts of other systems, taken at their own times beside the logs or alone: JSON lines of
    /// PagerDuty events or of Alertmanager's alerts, or CSV with the header time,name,…
    #[arg(long, value_name = "PATH", num_args = 1..)]
    pub alerts: Vec<std::path::PathBuf>,
    /// Files, folders, patterns, or - for standard input; .gz .zst .xz .bz2 are unpacked
    #[arg(required_unless_present = "alerts", value_name = "PATH")]
    pub paths: Vec<String>,
}

#[derive(Debug, Args)]
pub struct AnnotateArgs {
    #[command(flatten)]
    pub input: InputArgs,
    /// Read everything first and print the template that each line ends up in
    #[arg(long)]
    pub settled: bool,
    /// File, or - for standard input
    #[arg(value_name = "PATH")]
    pub path: String,
}

#[derive(Debug, Args)]
pub struct TemplatesArgs {
    #[command(flatten)]
    pub input: InputArgs,
    /// Print JSON, a template a line, instead of the table
    #[arg(long)]
    pub json: bool,
    /// Add what is found to a lock file, in which templates keep their ids, texts and notes
    #[arg(long, value_name = "FILE")]
    pub lock: Option<PathBuf>,
    /// Change nothing, print what the lock file lacks, and exit with 3 where it lacks anything
    #[arg(long, requires = "lock")]
    pub check: bool,
    /// Files, folders, patterns, or - for standard input
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<String>,
}

#[derive(Debug, Args)]
pub struct DiffArgs {
    /// Configuration file; without one the defaults hold
    #[arg(short, long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// How lines are written, as `--format` of the other commands
    #[arg(long, value_name = "FORMAT")]
    pub input_format: Option<String>,
    /// Exit with 3 where there are templates of these kinds
    #[arg(long, value_enum, value_delimiter = ',', value_name = "KIND")]
    pub fail_on: Vec<FailOn>,
    /// How to print it
    #[arg(long, value_enum, default_value_t = DiffFormat::Text)]
    pub format: DiffFormat,
    /// File, folder or pattern of before
    #[arg(value_name = "BASE")]
    pub base: String,
    /// File, folder or pattern of after
    #[arg(value_name = "CANDIDATE")]
    pub candidate: String,
}

/// Forms of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DiffFormat {
    /// For people
    Text,
    /// One object
    Json,
    /// A test suite with a test for each kind that is asked for
    Junit,
    /// One page
    Html,
}

/// What a release gate may refuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    /// Templates that BASE does not have
    New,
    /// Templates that CANDIDATE does not have
    Gone,
    /// Templates whose share of their service at least doubled or halved, beyond chance
    Shifted,
    /// New or more frequent templates that tell of failure
    Grave,
}

impl FailOn {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::New, Self::Gone, Self::Shifted, Self::Grave];

    /// Returns the name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Gone => "gone",
            Self::Shifted => "shifted",
            Self::Grave => "grave",
        }
    }
}

#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// Id of an anomaly, alert or decision
    pub id: String,
    /// Folder that a replay wrote
    #[arg(long, value_name = "DIR", conflicts_with = "url")]
    pub dir: Option<PathBuf>,
    /// Configuration of a service: its topics are read, which remember more than it does
    #[arg(short, long, value_name = "FILE", conflicts_with_all = ["dir", "url"])]
    pub config: Option<PathBuf>,
    /// Address of a running service
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:9464")]
    pub url: String,
}

#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// Configuration file
    #[arg(short, long, value_name = "FILE")]
    pub config: PathBuf,
    /// Print one JSON object instead of text
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Configuration file
    #[arg(short, long, value_name = "FILE")]
    pub config: PathBuf,
    /// Also ask the brokers for the topics
    #[arg(long)]
    pub connect: bool,
}

#[derive(Debug, Args)]
pub struct ShowConfigArgs {
    /// Configuration file; without one the defaults are printed
    #[arg(short, long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Print every key with its meaning and default
    #[arg(long, conflicts_with = "config")]
    pub docs: bool,
}

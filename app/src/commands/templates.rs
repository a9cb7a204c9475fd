//! `logwake templates`: the table of templates of captured logs.

use std::io::Write;
use std::path::Path;

use logwake_detector::detect::{Service, TemplateStats, grouped};
use logwake_detector::record::Level;
use logwake_ingest::files::expand;
use logwake_models::template::TemplateId;
use serde_json::json;

use crate::Status;
use crate::cli::TemplatesArgs;
use crate::console::{self, Console, Shown};
use crate::lock::Lock;
use crate::runtime::advice_of;
use crate::whole_file::WholeFile;

use super::census::{Row, census, rows_of};
use super::input;
use super::story::date;

/// Prints the templates of all services, most frequent first, or holds them against a lock file.
///
/// # Errors
/// Where the arguments are wrong, or standard output or the lock file cannot be written.
pub fn run(args: &TemplatesArgs) -> anyhow::Result<Status> {
    let mut config = input::config(&args.input)?;
    if let Some(path) = args.lock.as_ref().filter(|path| args.check || path.exists()) {
        config.templates.lock = Some(path.to_string_lossy().into_owned());
    }
    let finished = census(config, expand(&args.paths)?, None)?;
    let mut rows: Vec<Row<'_>> = rows_of(&finished).collect();
    rows.sort_by(|a, b| b.2.total.cmp(&a.2.total).then((&a.0.name, a.1).cmp(&(&b.0.name, b.1))));
    finished.detect.state().services().values().for_each(advise);
    let status = match &args.lock {
        Some(path) => lock(path, args, &rows)?,
        None => {
            print(&rows, args.json)?;
            Status::Done
        }
    };
    Ok(if finished.broken > 0 { Status::Failed } else { status })
}

/// Says what would help a service that has more templates than it may.
fn advise(service: &Service) {
    let overflowed = service.catalogue.overflowed();
    if overflowed > 0 {
        let advice = advice_of(&service.catalogue);
        console::message(format_args!(
            "{} has {} templates and {} skeletons beyond templates.templates_max; {advice}",
            Shown(&service.name),
            grouped(service.catalogue.len() as u64),
            grouped(overflowed),
        ));
    }
}

fn print(rows: &[Row<'_>], json: bool) -> anyhow::Result<()> {
    let all: u64 = rows.iter().map(|row| row.2.total).sum();
    let mut out = if json { Console::data() } else { Console::stdout(false) };
    if !json {
        writeln!(out, "{:>12} {:>7}  {:<18} {:<20} TEMPLATE", "COUNT", "SHARE", "ID", "SERVICE")?;
    }
    for (service, id, stats) in rows {
        let (id, share) = (*id, stats.total as f64 / all.max(1) as f64);
        let text = service.catalogue.text(id);
        if json {
            writeln!(out, "{}", row_json(service, id, stats, share, &text))?;
        } else {
            let (count, share) = (grouped(stats.total), share * 100.0);
            let (id, name, text) = (id.to_string(), Shown(&service.name), Shown(&text));
            writeln!(out, "{count:>12} {share:>6.2}%  {id:<18} {name:<20} {text}")?;
            writeln!(
                out,
                "{:>22}{} to {}{}: {}",
                "",
                date(stats.first_seen),
                date(stats.last_seen),
                levels(stats),
                Shown(stats.last.exemplar.text.lines().next().unwrap_or_default())
            )?;
        }
    }
    out.flush()?;
    Ok(())
}

/// Adds what a lock file lacks, or prints it.
fn lock(path: &Path, args: &TemplatesArgs, rows: &[Row<'_>]) -> anyhow::Result<Status> {
    let mut lock = if path.exists() { Lock::read(path)? } else { Lock::default() };
    let before = lock.len();
    let missing: Vec<Row<'_>> = rows
        .iter()
        .filter(|(service, id, _)| !service.catalogue.is_seed(*id))
        .filter(|(service, id, _)| lock.add(&service.name, *id, &service.catalogue.text(*id)))
        .copied()
        .collect();
    if args.check {
        print_missing(&missing, args.json)?;
        return Ok(if missing.is_empty() { Status::Done } else { Status::Unmet });
    }
    WholeFile::write(path, lock.to_toml().as_bytes())?;
    console::message(format_args!(
        "{} holds {} templates, {} of them new",
        path.display(),
        lock.len(),
        lock.len() - before
    ));
    Ok(Status::Done)
}

fn print_missing(rows: &[Row<'_>], json: bool) -> anyhow::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    print(rows, json)?;
    console::message(format_args!("{} templates are not in the lock file", rows.len()));
    Ok(())
}

fn row_json(
    service: &Service,
    id: TemplateId,
    stats: &TemplateStats,
    share: f64,
    text: &str,
) -> serde_json::Value {
    let levels: serde_json::Map<String, serde_json::Value> = Level::ALL
        .iter()
        .filter(|level| stats.levels[**level as usize] > 0)
        .map(|level| (level.as_str().to_owned(), stats.levels[*level as usize].into()))
        .collect();
    json!({
        "service": service.name,
        "template_id": id.to_string(),
        "template": text,
        "count": stats.total,
        "share": share,
        "first_seen": date(stats.first_seen),
        "last_seen": date(stats.last_seen),
        "levels": levels,
        "example": stats.last.exemplar.text,
    })
}

fn levels(stats: &TemplateStats) -> String {
    let seen = |level: &&Level| **level != Level::Unknown && stats.levels[**level as usize] > 0;
    let levels = Level::ALL.iter().filter(seen);
    levels
        .map(|level| format!(", {} {}", grouped(stats.levels[*level as usize]), level.as_str()))
        .collect()
}

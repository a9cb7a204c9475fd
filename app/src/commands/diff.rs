//! `logwake diff`: templates that are new, gone or shifted between two captures.
//!
//! Both are read together first, so that what merges only with the lines of both is one template
//! on both sides; then each is counted by itself with the templates that came of that.

mod change;
mod render;

use std::collections::BTreeMap;
use std::io::Write;

use logwake_detector::detect::Seeds;
use logwake_ingest::files::expand;
use logwake_models::template::{Catalogue, CatalogueLimits};

use crate::Status;
use crate::cli::{DiffArgs, DiffFormat, InputArgs};
use crate::config::Config;
use crate::console::Console;
use crate::runtime::local::Finished;

use super::census::{census, rows_of};
use super::input;
use change::{Change, Side, changes_of};

/// Compares two captures.
///
/// # Errors
/// Where the arguments are wrong, a file cannot be read, or standard output cannot be written.
pub fn run(args: &DiffArgs) -> anyhow::Result<Status> {
    let (file, format) = (args.config.clone(), args.input_format.clone());
    let config = input::config(&InputArgs { config: file, format })?;
    let sides = [&args.base, &args.candidate];
    let both = census(config.clone(), expand(&sides.map(Clone::clone))?, None)?;
    let seeds = seeds_of(&both);
    let [base, candidate] = sides.map(|path| count(&config, path, &seeds));
    let (base, candidate) = (base?, candidate?);
    let mut changes = changes_of(&base, &candidate);
    changes.sort_by(Change::cmp_by_weight);
    let (mut out, text) = match args.format {
        DiffFormat::Text => (Console::stdout(false), render::text(&changes, &base, &candidate)),
        DiffFormat::Json => (Console::data(), render::json(&changes, &base, &candidate)?),
        DiffFormat::Junit => (Console::document(), render::junit(&changes, &args.fail_on)),
        DiffFormat::Html => (Console::document(), render::html(&changes, &base, &candidate)),
    };
    out.write_all(text.as_bytes())?;
    out.flush()?;
    let is_met = !changes.iter().any(|change| args.fail_on.iter().any(|kind| change.is(*kind)));
    Ok(match (both.broken > 0, is_met) {
        (true, _) => Status::Failed,
        (false, false) => Status::Unmet,
        (false, true) => Status::Done,
    })
}

/// The templates of a census as seeds; what cannot be one keeps its id by itself.
fn seeds_of(finished: &Finished) -> Seeds {
    let mut seeds = Seeds::new();
    let mut tried: BTreeMap<&str, Catalogue> = BTreeMap::new();
    for (service, id, _) in rows_of(finished) {
        let name = service.name.as_str();
        let fresh = || Catalogue::new(name, CatalogueLimits::default());
        let text = service.catalogue.text(id);
        if tried.entry(name).or_insert_with(fresh).seed(Some(id), &text).is_ok() {
            seeds.entry(service.name.clone()).or_default().push((Some(id), text));
        }
    }
    seeds
}

fn count(config: &Config, path: &str, seeds: &Seeds) -> anyhow::Result<Side> {
    let finished = census(config.clone(), expand(&[path.to_owned()])?, Some(seeds.clone()))?;
    Ok(Side::of(&finished))
}

//! `logwake annotate`: one JSON line for each input line, in order, with its template.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Arc;

use anyhow::Context;
use logwake_detector::record::{Level, Record};
use logwake_detector::time::Timestamp;
use logwake_ingest::decode::{Decoder, Reason, Sink};
use logwake_ingest::files::{FileSource, Line, service_of};
use logwake_models::template::{Catalogue, CatalogueLimits, Masks, Skeleton, TemplateId};
use serde::Serialize;

use crate::Status;
use crate::cli::AnnotateArgs;
use crate::runtime::decoder_options;
use crate::runtime::kafka::wall_now;

use super::input;

/// Annotates a file or standard input.
///
/// # Errors
/// Where the arguments are wrong, the input cannot be opened or breaks off, or standard output
/// cannot be written.
pub fn run(args: &AnnotateArgs) -> anyhow::Result<Status> {
    let config = input::config(&args.input)?;
    let options = decoder_options(&config, wall_now())?;
    let masks = config.templates.masks.0.iter();
    let mut file = FileSource::open_with(&args.path, options.line_bytes_max)?;
    let service = match service_of(std::path::Path::new(&args.path)) {
        "" | "-" => "stdin",
        name => name,
    };
    let mut decoder = Decoder::new(Arc::clone(&options), service);
    let mut annotator = Annotator {
        masks: Masks::new(masks.map(|mask| (mask.name.as_str(), mask.pattern.as_str())))?,
        limits: config.detect_settings().catalogue,
        skeleton: Skeleton::default(),
        services: BTreeMap::new(),
        waiting: BTreeMap::new(),
    };
    let mut out = super::stdout();
    let (mut offset, mut written) = (0, 0);
    let mut broken = None;
    loop {
        match file.next_line() {
            Ok(Some(Line::Text(line))) => {
                decoder.push(line, offset, None, &mut annotator);
            }
            Ok(Some(Line::TooLong { head, .. })) => {
                annotator.reject(offset, 1, Reason::TooLong, head);
            }
            Ok(None) => break,
            Err(error) => {
                broken = Some(error);
                break;
            }
        }
        offset += 1;
        if !args.settled {
            annotator.write_ready(&mut written, &mut out)?;
        }
    }
    decoder.flush(&mut annotator);
    if args.settled {
        annotator.services.values_mut().for_each(Catalogue::settle);
    }
    annotator.write_ready(&mut written, &mut out)?;
    out.flush()?;
    match broken {
        Some(error) => Err(error).context("annotate"),
        None => Ok(Status::Done),
    }
}

/// Finds templates and puts the lines back into their order.
struct Annotator {
    masks: Masks,
    limits: CatalogueLimits,
    skeleton: Skeleton,
    services: BTreeMap<String, Catalogue>,
    /// By offset; joining may finish a later record first.
    waiting: BTreeMap<u64, Waiting>,
}

struct Waiting {
    lines: u32,
    outcome: Outcome,
}

enum Outcome {
    Found {
        service: String,
        id: TemplateId,
        content: Vec<u8>,
        time: Option<Timestamp>,
        level: Level,
    },
    Rejected(Reason),
}

#[derive(Serialize)]
struct Annotation<'a> {
    template_id: Option<String>,
    template: Option<&'a str>,
    variables: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    level: Option<&'static str>,
    service: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rejected: Option<&'static str>,
}

impl Annotator {
    /// Writes the records that follow on what is written already.
    fn write_ready(&mut self, written: &mut u64, out: &mut impl Write) -> anyhow::Result<()> {
        while let Some(entry) = self.waiting.first_entry() {
            if *entry.key() > *written {
                break;
            }
            let waiting = entry.remove();
            let line = self.line(&waiting.outcome)?;
            for _ in 0..waiting.lines {
                out.write_all(&line)?;
            }
            *written += u64::from(waiting.lines);
        }
        Ok(())
    }

    fn line(&self, outcome: &Outcome) -> anyhow::Result<Vec<u8>> {
        let mut line = match outcome {
            Outcome::Rejected(reason) => serde_json::to_vec(&Annotation {
                template_id: None,
                template: None,
                variables: &[],
                time: None,
                level: None,
                service: None,
                rejected: Some(reason.as_str()),
            })?,
            Outcome::Found { service, id, content, time, level } => {
                let catalogue = self.services.get(service).context("catalogue of the service")?;
                let id = catalogue.resolve(*id);
                let variables = catalogue.variables(id, content);
                let variables: Vec<String> = variables.into_iter().map(Into::into).collect();
                serde_json::to_vec(&Annotation {
                    template_id: Some(id.to_string()),
                    template: Some(&catalogue.text(id)),
                    variables: &variables,
                    time: time.map(rfc3339),
                    level: (*level != Level::Unknown).then(|| level.as_str()),
                    service: Some(service),
                    rejected: None,
                })?
            }
        };
        line.push(b'\n');
        Ok(line)
    }
}

impl Sink for Annotator {
    fn record(&mut self, record: &Record<'_>) {
        self.masks.mask(record.content, &mut self.skeleton);
        let (hash, text) = (self.skeleton.hash(), self.skeleton.text());
        if !self.services.contains_key(record.service) {
            let catalogue = Catalogue::new(record.service, self.limits);
            self.services.insert(record.service.to_owned(), catalogue);
        }
        let Some(catalogue) = self.services.get_mut(record.service) else { return };
        let id = catalogue.find(hash).unwrap_or_else(|| catalogue.assign(hash, text).id);
        catalogue.take_merges();
        let outcome = Outcome::Found {
            service: record.service.to_owned(),
            id,
            content: record.content.to_vec(),
            time: record.time,
            level: record.level,
        };
        self.waiting.insert(record.offset, Waiting { lines: record.lines, outcome });
    }

    fn reject(&mut self, offset: u64, lines: u32, reason: Reason, _: &[u8]) {
        self.waiting.insert(offset, Waiting { lines, outcome: Outcome::Rejected(reason) });
    }
}

fn rfc3339(time: Timestamp) -> String {
    let time = jiff::Timestamp::from_nanosecond(i128::from(time.as_nanos()));
    time.map(|time| time.to_string()).unwrap_or_default()
}

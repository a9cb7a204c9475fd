//! The JSON line of one record.
//!
//! What is the same for all records of a skeleton is rendered once and kept until a template
//! changes; what remains is to find the values and to write them.

use std::collections::BTreeMap;
use std::io::Write;

use logwake_detector::detect::Seeds;
use logwake_detector::record::Level;
use logwake_detector::time::Timestamp;
use logwake_ingest::decode::Reason;
use logwake_models::template::{
    Catalogue, CatalogueLimits, Extractor, Masks, Skeleton, Span, TemplateId, mask,
};
use rustc_hash::FxHashMap;

/// Skeletons whose rendering is kept, a service; beyond, all are forgotten and kept anew.
const KEPT_MAX: usize = 50_000;

/// A record to be written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found<'a> {
    pub(super) place: Place,
    pub(super) content: &'a [u8],
    pub(super) time: Option<Timestamp>,
    pub(super) level: Level,
}

/// The service of a record and the template that it had when it was read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    service: usize,
    template: TemplateId,
}

/// Templates of all services, and how their lines begin and end.
pub(super) struct Lines {
    masks: Masks,
    limits: CatalogueLimits,
    seeds: Seeds,
    skeleton: Skeleton,
    services: Vec<Service>,
    by_name: BTreeMap<String, usize>,
    clock: Clock,
    spans: Vec<Span>,
}

struct Service {
    catalogue: Catalogue,
    kept: FxHashMap<u64, Kept>,
    /// `,"service":"…"}` and the line feed.
    end: Vec<u8>,
}

/// What is the same for all records of a skeleton.
struct Kept {
    revision: u64,
    /// From `{` to `"variables":[`.
    head: Vec<u8>,
    extractor: Extractor,
    /// Whether the template is the skeleton, so that the values are what was masked.
    is_skeleton: bool,
}

impl Lines {
    pub(super) fn new(masks: Masks, limits: CatalogueLimits, seeds: Seeds) -> Self {
        Self {
            masks,
            limits,
            seeds,
            skeleton: Skeleton::default(),
            services: Vec::new(),
            by_name: BTreeMap::new(),
            clock: Clock::default(),
            spans: Vec::new(),
        }
    }

    /// Takes a record into the templates of its service.
    pub(super) fn learn(&mut self, service: &str, content: &[u8]) -> Place {
        let service = match self.by_name.get(service) {
            Some(number) => *number,
            None => self.add(service),
        };
        self.masks.mask(content, &mut self.skeleton);
        let (hash, text) = (self.skeleton.hash(), self.skeleton.text());
        let catalogue = &mut self.services[service].catalogue;
        let template = catalogue.find(hash).unwrap_or_else(|| {
            let id = catalogue.assign(hash, text).id;
            catalogue.take_merges();
            id
        });
        Place { service, template }
    }

    fn add(&mut self, name: &str) -> usize {
        let mut end = b",\"service\":".to_vec();
        text(name, &mut end);
        end.extend_from_slice(b"}\n");
        let mut catalogue = Catalogue::new(name, self.limits);
        for (id, seed) in self.seeds.get(name).into_iter().flatten() {
            // Seeds were tried one by one when they were read.
            let _ = catalogue.seed(*id, seed);
        }
        self.services.push(Service { catalogue, kept: FxHashMap::default(), end });
        self.by_name.insert(name.to_owned(), self.services.len() - 1);
        self.services.len() - 1
    }

    /// Writes the line of a record that was learned before others.
    pub(super) fn found(&mut self, found: Found<'_>, out: &mut Vec<u8>) {
        self.masks.mask(found.content, &mut self.skeleton);
        self.just_learned(found, out);
    }

    /// Writes the line of the record that was learned last.
    pub(super) fn just_learned(&mut self, found: Found<'_>, out: &mut Vec<u8>) {
        let service = &mut self.services[found.place.service];
        let kept = service.kept(found.place.template, &self.skeleton);
        out.extend_from_slice(&kept.head);
        let masked = |spans: &mut Vec<Span>, skeleton: &Skeleton| {
            spans.clear();
            spans.extend(skeleton.variables().iter().map(|span| (span.start, span.end)));
        };
        if kept.is_skeleton && self.masks.is_empty() {
            masked(&mut self.spans, &self.skeleton);
        } else if !kept.extractor.find(found.content, &mut self.spans) {
            if !self.masks.is_empty() {
                mask(found.content, &mut self.skeleton);
            }
            masked(&mut self.spans, &self.skeleton);
        }
        for (idx, &(start, end)) in self.spans.iter().enumerate() {
            if idx > 0 {
                out.push(b',');
            }
            value(&found.content[start..end], out);
        }
        out.push(b']');
        if let Some(time) = found.time {
            out.extend_from_slice(b",\"time\":\"");
            self.clock.write(time, out);
            out.push(b'"');
        }
        if found.level != Level::Unknown {
            out.extend_from_slice(b",\"level\":\"");
            out.extend_from_slice(found.level.as_str().as_bytes());
            out.push(b'"');
        }
        out.extend_from_slice(&service.end);
    }
}

impl Service {
    fn kept(&mut self, id: TemplateId, skeleton: &Skeleton) -> &Kept {
        let (catalogue, hash) = (&self.catalogue, skeleton.hash());
        if self.kept.len() >= KEPT_MAX && !self.kept.contains_key(&hash) {
            self.kept.clear();
        }
        let kept = self.kept.entry(hash).or_insert_with(|| Kept::new(catalogue, id, skeleton));
        if kept.revision != catalogue.revision() {
            *kept = Kept::new(catalogue, id, skeleton);
        }
        kept
    }
}

impl Kept {
    fn new(catalogue: &Catalogue, id: TemplateId, skeleton: &Skeleton) -> Self {
        let id = catalogue.resolve(id);
        let template = catalogue.text(id);
        let mut head = format!("{{\"template_id\":\"{id}\",\"template\":").into_bytes();
        text(&template, &mut head);
        head.extend_from_slice(b",\"variables\":[");
        Self {
            revision: catalogue.revision(),
            head,
            extractor: Extractor::new(&template),
            is_skeleton: template == skeleton.text(),
        }
    }
}

/// Writes the line of a record that could not be decoded.
pub(super) fn rejected(reason: Reason, out: &mut Vec<u8>) {
    out.extend_from_slice(
        b"{\"template_id\":null,\"template\":null,\"variables\":[],\"service\":null,\"rejected\":\"",
    );
    out.extend_from_slice(reason.as_str().as_bytes());
    out.extend_from_slice(b"\"}\n");
}

/// Writes a JSON string.
fn text(text: &str, out: &mut Vec<u8>) {
    value(text.as_bytes(), out);
}

/// Writes bytes as a JSON string, replacing what is no UTF-8.
fn value(bytes: &[u8], out: &mut Vec<u8>) {
    let is_plain = |&byte: &u8| (0x20..0x7f).contains(&byte) && byte != b'"' && byte != b'\\';
    if bytes.iter().all(is_plain) {
        out.push(b'"');
        out.extend_from_slice(bytes);
        out.push(b'"');
    } else if serde_json::to_writer(&mut *out, &String::from_utf8_lossy(bytes)).is_err() {
        out.extend_from_slice(b"\"\"");
    }
}

/// Writes times as RFC 3339 in UTC; the second of the last one is kept in words.
#[derive(Default)]
struct Clock {
    second: Option<i64>,
    words: String,
}

impl Clock {
    fn write(&mut self, time: Timestamp, out: &mut Vec<u8>) {
        const NANOS: i64 = 1_000_000_000;
        let (second, nanos) =
            (time.as_nanos().div_euclid(NANOS), time.as_nanos().rem_euclid(NANOS));
        if self.second != Some(second) {
            let words = jiff::Timestamp::from_second(second).map(|time| time.to_string());
            self.words = words.unwrap_or_default();
            self.words.pop();
            self.second = Some(second);
        }
        out.extend_from_slice(self.words.as_bytes());
        if nanos > 0 {
            let start = out.len();
            let written = write!(out, ".{nanos:09}");
            while written.is_ok() && out.len() > start && out.last() == Some(&b'0') {
                out.pop();
            }
        }
        out.push(b'Z');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_as_those_of_a_calendar() {
        let mut clock = Clock::default();
        for nanos in [0, -1, 1_500_000_000, 1_500_000_001, 1_700_000_000_000_000_000] {
            let mut out = Vec::new();
            clock.write(Timestamp::from_nanos(nanos), &mut out);
            let expected = jiff::Timestamp::from_nanosecond(i128::from(nanos)).unwrap();
            assert_eq!(String::from_utf8(out).unwrap(), expected.to_string());
        }
    }

    #[test]
    fn strings_read_back_as_they_were() {
        for word in ["plain", "quo\"te", "back\\slash", "line\nfeed", "ä€\u{7f}\u{0}"] {
            let mut out = Vec::new();
            text(word, &mut out);
            assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), word);
        }
    }
}

//! JSON documents as content: what a document says decides, not which members it has.
//!
//! One service writes one document many ways: keys shuffled, members that come and go, values of
//! any type. So its skeleton is the members that say what happened, in the order of their keys:
//! prose (`msg`, `error` …), or else what names the kind of document (`type`, `action` …), looked
//! for in the object and then in the objects inside it. A document that says neither is its keys.

use std::ops::Range;

use super::buffer::Skeleton;
use super::json::{self, Member, Value};
use super::line::line;
use super::variable::ShapeClass;
use crate::template::known_words::{is_kind_key, is_prose_key};

/// Keys of a document without prose that take part.
const KEYS_MAX: usize = 64;

/// Masks content that is one JSON object; reports whether it was. `is_cut` says that content was
/// longer: then it counts with the members it has left.
pub(super) fn mask(content: &[u8], is_cut: bool, out: &mut Skeleton) -> bool {
    let start = json::blanks_end(content, 0);
    if content.get(start) != Some(&b'{') {
        return false;
    }
    let Some(object) = json::object(content, start, is_cut) else { return false };
    if object.members.is_empty() || !content[object.end..].trim_ascii().is_empty() {
        return false;
    }
    let mut document = Document { content, out };
    let told = telling(content, &object.members);
    if told.is_empty() {
        document.write_keys(&object.members);
    } else {
        document.write_told(&told);
    }
    true
}

/// A member that says what happened.
struct Told<'a> {
    member: &'a Member,
    /// What is told inside it, if it is an object.
    inside: Vec<Told<'a>>,
}

/// The members that say what happened, by key.
fn telling<'a>(content: &[u8], members: &'a [Member]) -> Vec<Told<'a>> {
    let keyed = |is_wanted: fn(&[u8]) -> bool| {
        tell(content, members, |member| is_wanted(&content[member.key.clone()]))
    };
    let mut told = keyed(is_prose_key);
    if told.is_empty() {
        told = keyed(is_kind_key);
    }
    if told.is_empty() {
        told = tell(content, members, |member| matches!(member.value, Value::Object(_)));
    }
    told.sort_by_key(|told| &content[told.member.key.clone()]);
    told
}

fn tell<'a>(
    content: &[u8],
    members: &'a [Member],
    is_wanted: impl Fn(&Member) -> bool,
) -> Vec<Told<'a>> {
    let wanted = members.iter().filter(|member| is_wanted(member));
    let told = wanted.filter_map(|member| match &member.value {
        Value::Text if !member.span.is_empty() => Some(Told { member, inside: Vec::new() }),
        Value::Object(inner) => {
            let inside = telling(content, inner);
            (!inside.is_empty()).then_some(Told { member, inside })
        }
        _ => None,
    });
    told.collect()
}

struct Document<'c, 'o> {
    content: &'c [u8],
    out: &'o mut Skeleton,
}

impl Document<'_, '_> {
    fn write_told(&mut self, told: &[Told<'_>]) {
        self.out.ascii(b"{");
        for (at, told) in told.iter().enumerate() {
            self.key(at, told.member);
            match &told.member.value {
                Value::Text => self.prose(told.member.span.clone()),
                _ => self.write_told(&told.inside),
            }
        }
        self.out.ascii(b"}");
    }

    /// Writes the keys in order. Members without a value are left out, and an object is one value,
    /// unless it is all that there is.
    fn write_keys(&mut self, members: &[Member]) {
        let stated = members.iter().filter(|member| !matches!(member.value, Value::Null));
        let mut sorted: Vec<_> = stated.collect();
        sorted.sort_by_key(|member| &self.content[member.key.clone()]);
        self.out.ascii(b"{");
        for (at, member) in sorted.iter().take(KEYS_MAX).enumerate() {
            self.key(at, member);
            match &member.value {
                Value::Object(inner) if sorted.len() == 1 => self.write_keys(inner),
                Value::Object(_) | Value::Null => self.value(member, ShapeClass::Document),
                Value::Text => self.value(member, ShapeClass::Quoted),
                Value::Scalar => self.value(member, ShapeClass::Decimal),
            }
        }
        self.out.ascii(b"}");
    }

    fn key(&mut self, at: usize, member: &Member) {
        if at > 0 {
            self.out.ascii(b", ");
        }
        self.out.literal(&self.content[member.key.clone()]);
        self.out.ascii(b": ");
    }

    fn value(&mut self, member: &Member, class: ShapeClass) {
        self.out.alone(member.span.start, member.span.end, class);
    }

    /// Masks text up to the first line end written in it.
    fn prose(&mut self, text: Range<usize>) {
        let first = memchr::memmem::find(&self.content[text.clone()], b"\\n");
        let end = first.map_or(text.end, |len| text.start + len);
        line(self.content, text.start, end, self.out);
    }
}

//! The lines that tell what happened in a cluster.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

use super::event::{EvidenceKind, EvidenceLine};

/// Lines kept.
const LINES_MAX: usize = 24;
/// Lines shown with an alert.
const EVIDENCE_MAX: usize = 6;

/// Lines of a cluster, one for each template or sentence.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Story(Vec<EvidenceLine>);

impl Story {
    /// Returns the lines as they came.
    pub(super) fn lines(&self) -> &[EvidenceLine] {
        &self.0
    }

    /// Keeps a line, one for each template or sentence, the gravest and earliest of all.
    pub(super) fn tell(&mut self, line: EvidenceLine) {
        let lines = &mut self.0;
        if let Some(same) = lines.iter_mut().find(|known| says_same(known, &line)) {
            if line.severity > same.severity {
                *same = line;
            }
            return;
        }
        lines.push(line);
        if lines.len() > LINES_MAX {
            let least = (0..lines.len()).rev().min_by_key(|idx| lines[*idx].severity);
            if let Some(idx) = least {
                lines.remove(idx);
            }
        }
    }

    /// Returns the gravest lines, in order of time.
    pub(super) fn evidence(&self) -> Vec<EvidenceLine> {
        let mut lines: Vec<&EvidenceLine> = self.0.iter().collect();
        lines.sort_by_key(|line| (std::cmp::Reverse(line.severity), line_time(line)));
        let mut lines: Vec<EvidenceLine> = lines.into_iter().take(EVIDENCE_MAX).cloned().collect();
        lines.sort_by_key(line_time);
        lines
    }
}

fn line_time(line: &EvidenceLine) -> Timestamp {
    let is_written = line.line.is_some() || line.kind == EvidenceKind::External;
    if is_written { line.at } else { Timestamp::MIN }
}

/// Tells whether two lines are of one service and show the same text.
fn says_same(one: &EvidenceLine, other: &EvidenceLine) -> bool {
    let text = |line: &EvidenceLine| line.line.as_ref().map(|line| line.exemplar.text.clone());
    let is_external = |line: &EvidenceLine| line.kind == EvidenceKind::External;
    one.service == other.service
        && is_external(one) == is_external(other)
        && if is_external(one) { one.reason == other.reason } else { text(one) == text(other) }
}

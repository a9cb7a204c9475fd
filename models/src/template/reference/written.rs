//! What the reference has written so far: constant bytes and variables in a row.

use super::{ShapeClass, Variable, rules};

#[derive(Clone, Copy, Debug)]
enum Item {
    Byte(u8),
    Wild(Wild),
}

#[derive(Clone, Copy, Debug)]
struct Wild {
    variable: Variable,
    date_parts: u8,
    is_closed_list: bool,
}

/// Constant bytes and variables in a row.
#[derive(Debug, Default)]
pub struct Written {
    items: Vec<Item>,
}

impl Written {
    /// Returns the text, with `<*>` for each variable.
    pub fn text(&self) -> String {
        let mut text = Vec::new();
        for item in &self.items {
            match item {
                Item::Byte(byte) => text.push(*byte),
                Item::Wild(_) => text.extend(b"<*>"),
            }
        }
        String::from_utf8_lossy(&text).into_owned()
    }

    /// Returns the variables in order.
    pub fn variables(&self) -> Vec<Variable> {
        let wild = self.items.iter().filter_map(|item| match item {
            Item::Wild(wild) => Some(wild.variable),
            Item::Byte(_) => None,
        });
        wild.collect()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    pub(super) fn literal(&mut self, bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes);
        self.items.extend(text.bytes().map(Item::Byte));
    }

    pub(super) fn blank(&mut self) {
        if !matches!(self.items.last(), None | Some(Item::Byte(b' '))) {
            self.items.push(Item::Byte(b' '));
        }
    }

    pub(super) fn trim_end(&mut self) {
        if matches!(self.items.last(), Some(Item::Byte(b' '))) {
            self.items.pop();
        }
    }

    /// The newest variable and the constant bytes after it.
    fn newest(&self) -> Option<(usize, Vec<u8>)> {
        let at = self.items.iter().rposition(|item| matches!(item, Item::Wild(_)))?;
        Some((at, bytes(&self.items[at + 1..])))
    }

    pub(super) fn variable(&mut self, start: usize, end: usize, class: ShapeClass) {
        if let Some((at, gap)) = self.newest()
            && rules::is_joint(&gap)
        {
            self.items.truncate(at + 1);
            if let Some(Item::Wild(last)) = self.items.last_mut() {
                last.variable.end = end;
                last.variable.class = last.variable.class.joined(class);
            }
            return;
        }
        let variable = Variable { start, end, class };
        self.items.push(Item::Wild(Wild { variable, date_parts: 0, is_closed_list: false }));
        self.close_list();
    }

    /// Seven variables in a row, or one after a row that was closed, are one.
    fn close_list(&mut self) {
        let mut run: Vec<usize> = Vec::new();
        let mut gap_end = self.items.len();
        while let Some(at) =
            self.items[..gap_end].iter().rposition(|item| matches!(item, Item::Wild(_)))
        {
            let gap = bytes(&self.items[at + 1..gap_end]);
            if !run.is_empty() && !matches!(&gap[..], b" " | b", " | b"; ") {
                break;
            }
            run.push(at);
            gap_end = at;
        }
        let Some(&first) = run.last() else { return };
        let (Item::Wild(begin), Some(Item::Wild(last))) = (self.items[first], self.items.last())
        else {
            return;
        };
        if run.len() > 6 || begin.is_closed_list && run.len() > 1 {
            let variable =
                Variable { end: last.variable.end, class: ShapeClass::List, ..begin.variable };
            self.items.truncate(first);
            self.items.push(Item::Wild(Wild { variable, date_parts: 0, is_closed_list: true }));
        }
    }

    /// Lets the newest variable reach to `end` if a single blank stands after it and it agrees.
    fn extend(&mut self, end: usize, agrees: impl Fn(&Wild) -> bool) -> bool {
        let Some((at, gap)) = self.newest() else { return false };
        let Item::Wild(wild) = &mut self.items[at] else { return false };
        if gap != b" " || !agrees(wild) {
            return false;
        }
        wild.variable.end = end;
        self.items.truncate(at + 1);
        true
    }

    pub(super) fn extend_target(&mut self, end: usize) -> bool {
        self.extend(end, |wild| matches!(wild.variable.class, ShapeClass::Path | ShapeClass::Url))
    }

    pub(super) fn extend_date(&mut self, end: usize) -> bool {
        let extended = self.extend(end, |wild| (1..6).contains(&wild.date_parts));
        if extended && let Some(Item::Wild(last)) = self.items.last_mut() {
            last.date_parts += 1;
        }
        extended
    }

    pub(super) fn date(&mut self, start: usize, end: usize) {
        if !self.extend_date(end) {
            self.variable(start, end, ShapeClass::Time);
            self.mark_date();
        }
    }

    fn mark_date(&mut self) {
        if let Some((at, _)) = self.newest()
            && let Item::Wild(wild) = &mut self.items[at]
        {
            wild.date_parts = 1;
        }
    }

    pub(super) fn extend_time(&mut self, end: usize) -> bool {
        let Some((at, gap)) = self.newest() else { return false };
        let Item::Wild(wild) = &mut self.items[at] else { return false };
        if !matches!(&gap[..], b"" | b" ") || wild.variable.class != ShapeClass::Time {
            return false;
        }
        wild.date_parts = wild.date_parts.max(1);
        self.extend_date(end)
    }

    pub(super) fn ends_in_date(&self) -> bool {
        self.newest().is_some_and(|(at, gap)| {
            let Item::Wild(wild) = &self.items[at] else { return false };
            wild.date_parts > 0 && matches!(&gap[..], b"" | b" ")
        })
    }

    /// The last that was written, blanks apart; a variable ends in `>`.
    fn last_byte(&self) -> Option<u8> {
        let bytes = self.items.iter().rev().map(|item| match item {
            Item::Byte(byte) => *byte,
            Item::Wild(_) => b'>',
        });
        bytes.into_iter().find(|&byte| byte != b' ')
    }

    pub(super) fn is_in_prose(&self) -> bool {
        !self.last_byte().is_some_and(|byte| byte == b':' || rules::is_hard(byte))
    }

    pub(super) fn ends_in_letter(&self) -> bool {
        self.last_byte().is_some_and(|byte| byte.is_ascii_alphabetic() || byte >= 0x80)
    }
}

fn bytes(items: &[Item]) -> Vec<u8> {
    let bytes = items.iter().filter_map(|item| match item {
        Item::Byte(byte) => Some(*byte),
        Item::Wild(_) => None,
    });
    bytes.collect()
}

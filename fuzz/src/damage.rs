//! Inputs that name a real value and how to damage it.
//!
//! Random bytes are hardly ever a state or a tally: their types nest too deep.
//! So an input chooses a sample and changes a few of its bytes; libFuzzer searches for the changes.

/// Changes in one input.
const EDITS_MAX: usize = 15;
/// Bytes of one change: its place in two, what to do, and with which value.
const EDIT_BYTES: usize = 4;
/// In place of the number of changes: no sample, the rest of the input is the value.
const RAW: u8 = b'=';
/// The largest varint of 64 bits: lengths, counters and times beyond any bound.
const VARINT_MAX: [u8; 10] = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
/// Numbers that arithmetic stumbles over.
const FLOATS: [f64; 6] = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, f64::MAX, 5e-324];

/// What one input asks for.
#[derive(Clone, Copy, Debug)]
pub struct Order<'a> {
    /// Which type is tried.
    pub kind: u8,
    /// Which sample of the type is damaged.
    sample: u8,
    /// The changes, `None` where the rest is the value itself.
    edits: Option<&'a [[u8; EDIT_BYTES]]>,
    /// What stands behind the changes: log lines, JSON, or the value.
    pub rest: &'a [u8],
}

impl<'a> Order<'a> {
    /// Reads an input: kind, sample, number of changes, changes, rest. The first three may be
    /// digits, so that inputs without changes are text.
    pub fn read(input: &'a [u8]) -> Option<Self> {
        let (&[kind, sample, count], rest) = input.split_first_chunk()?;
        if count == RAW {
            return Some(Self { kind, sample, edits: None, rest });
        }
        let (edits, _) = rest.as_chunks::<EDIT_BYTES>();
        let edits = &edits[..edits.len().min(usize::from(count) % (EDITS_MAX + 1))];
        let rest = &rest[edits.len() * EDIT_BYTES..];
        Some(Self { kind, sample, edits: Some(edits), rest })
    }

    /// Returns the index of the chosen one among so many samples.
    pub fn choice(&self, samples: usize) -> usize {
        usize::from(self.sample) % samples.max(1)
    }

    /// Whether the sample is to be taken as it is.
    pub fn is_whole(&self) -> bool {
        self.edits.is_some_and(<[_]>::is_empty)
    }

    /// Returns the chosen sample with its changes, or the rest of the input.
    pub fn damaged(&self, samples: &[Vec<u8>]) -> Vec<u8> {
        let Some(edits) = self.edits else { return self.rest.to_vec() };
        let mut bytes = samples[self.choice(samples.len())].clone();
        for &[low, high, action, value] in edits {
            let place = usize::from(u16::from_le_bytes([low, high]));
            let at = (place * bytes.len()) >> 16;
            edit(&mut bytes, at, action, value);
        }
        bytes
    }
}

fn edit(bytes: &mut Vec<u8>, at: usize, action: u8, value: u8) {
    if bytes.is_empty() {
        return;
    }
    match action % 8 {
        0 => bytes[at] = value,
        1 => bytes[at] ^= 1 << (value % 8),
        2 => bytes.insert(at, value),
        3 => {
            bytes.remove(at);
        }
        4 => drop(bytes.splice(at..=at, VARINT_MAX)),
        5 => {
            let float = FLOATS[usize::from(value) % FLOATS.len()].to_le_bytes();
            let end = bytes.len().min(at + float.len());
            bytes[at..end].copy_from_slice(&float[..end - at]);
        }
        6 => bytes.truncate(at),
        _ => {
            let end = bytes.len().min(at + usize::from(value));
            let run = bytes[at..end].to_vec();
            drop(bytes.splice(at..at, run));
        }
    }
}

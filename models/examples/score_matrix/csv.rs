//! Numbers from text, as fast as a pipe delivers them: it is parsed as it comes.

use ndarray::{ArrayView2, ShapeError};
use std::error::Error;
use std::io::Read;

/// Bytes that are asked for at once.
const READ_BYTES: usize = 1 << 16;
/// Powers of ten that `f64` holds exactly.
const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
];
/// Digits that fit into 64 bits.
const DIGITS_MAX: usize = 19;

/// Rows of numbers.
#[derive(Default)]
pub(crate) struct Matrix {
    /// Row by row.
    pub(crate) values: Vec<f32>,
    pub(crate) columns: usize,
}

impl Matrix {
    pub(crate) fn read(mut input: impl Read) -> Result<Self, Box<dyn Error>> {
        let mut matrix = Self::default();
        let mut text = Vec::new();
        let mut filled = 0;
        loop {
            if text.len() < filled + READ_BYTES {
                text.resize(filled + READ_BYTES, 0);
            }
            let length = input.read(&mut text[filled..])?;
            filled += length;
            let is_end = length == 0;
            let line_end = text[..filled].iter().rposition(|&byte| byte == b'\n');
            let end = if is_end { filled } else { line_end.map_or(0, |at| at + 1) };
            matrix.add_lines(&text[..end])?;
            if is_end {
                return Ok(matrix);
            }
            text.copy_within(end..filled, 0);
            filled -= end;
        }
    }

    pub(crate) fn rows(&self) -> usize {
        self.values.len() / self.columns.max(1)
    }

    pub(crate) fn view(&self) -> Result<ArrayView2<'_, f32>, ShapeError> {
        ArrayView2::from_shape((self.rows(), self.columns), &self.values)
    }

    fn add_lines(&mut self, text: &[u8]) -> Result<(), Box<dyn Error>> {
        let mut at = 0;
        while at < text.len() {
            let start = self.values.len();
            let line = self.rows() + 1;
            loop {
                let (value, length) = read_number(&text[at..]);
                self.values.push(value.ok_or_else(|| format!("line {line}: not a number"))?);
                at += length + 1;
                if text.get(at - 1) != Some(&b',') {
                    break;
                }
            }
            at += usize::from(text.get(at - 1) == Some(&b'\r'));
            let found = self.values.len() - start;
            if self.columns == 0 {
                self.columns = found;
            }
            if found != self.columns {
                let first = self.columns;
                return Err(format!("line {line} has {found} fields, the first {first}").into());
            }
        }
        Ok(())
    }
}

/// Reads the number at the front of `text`, up to a comma or an end of line, and tells how many
/// bytes it has.
///
/// Decimal digits that fit into 53 bits, with a power of ten that is exact, need one
/// multiplication or division to be rounded right (Clinger 1990); all others go the slow way.
fn read_number(text: &[u8]) -> (Option<f32>, usize) {
    if let [digit @ b'0'..=b'9', b',' | b'\n', ..] = text {
        return (Some(f32::from(digit - b'0')), 1);
    }
    let is_negative = text.first() == Some(&b'-');
    let first = usize::from(is_negative);
    let (mut digits, mut at) = (0, first);
    if let Some([digit @ b'0'..=b'9', b'.']) = text.get(at..at + 2) {
        digits = u64::from(digit - b'0');
        at += 1;
    } else {
        read_digits(text, &mut at, &mut digits);
    }
    let mut power = 0;
    if text.get(at) == Some(&b'.') {
        at += 1;
        let point = at;
        read_digits(text, &mut at, &mut digits);
        power = point as i64 - at as i64;
    }
    let is_exact = at > first && at - first <= DIGITS_MAX && digits < 1 << 53;
    if text.get(at) == Some(&b'e') {
        at += 1;
        let is_small = text.get(at) == Some(&b'-');
        at += usize::from(is_small || text.get(at) == Some(&b'+'));
        let mut exponent = 0;
        let start = at;
        read_digits(text, &mut at, &mut exponent);
        let exponent = if at - start < 4 { exponent as i64 } else { i64::from(i16::MAX) };
        power += if is_small { -exponent } else { exponent };
    }
    let is_end = text.get(at).is_none_or(|byte| matches!(byte, b',' | b'\n' | b'\r'));
    match POWERS.get(power.unsigned_abs() as usize) {
        Some(scale) if is_exact && is_end => {
            let value = digits as f64;
            let value = if power < 0 { value / scale } else { value * scale };
            (Some(if is_negative { -value } else { value } as f32), at)
        }
        _ => read_slowly(text),
    }
}

/// Reads digits, eight at a time, and appends them to a number; what does not fit is garbage.
fn read_digits(text: &[u8], at: &mut usize, number: &mut u64) {
    const ONES: u64 = 0x0101_0101_0101_0101;
    while let Some(chunk) = text.get(*at..).and_then(|rest| rest.first_chunk::<8>()) {
        let digits = u64::from_le_bytes(*chunk) ^ (ONES * u64::from(b'0'));
        let others = (digits.wrapping_add(ONES * 0x76) | digits) & (ONES * 0x80);
        let count = others.trailing_zeros() / 8;
        if count == 0 {
            return;
        }
        // The first digit is the lowest byte; zeros come in before it.
        let digits = digits << (64 - 8 * count);
        let pairs = (digits.wrapping_mul(10) + (digits >> 8)) & 0x00ff_00ff_00ff_00ff;
        let fours = pairs.wrapping_mul(100).wrapping_add(pairs >> 16) & 0x0000_ffff_0000_ffff;
        let eight = fours.wrapping_mul(10_000).wrapping_add(fours >> 32) & 0xffff_ffff;
        *number = number.wrapping_mul(POWERS[count as usize] as u64).wrapping_add(eight);
        *at += count as usize;
        if count < 8 {
            return;
        }
    }
    while let Some(digit @ b'0'..=b'9') = text.get(*at) {
        *number = number.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'));
        *at += 1;
    }
}

fn read_slowly(text: &[u8]) -> (Option<f32>, usize) {
    let length = text.iter().position(|byte| matches!(byte, b',' | b'\n' | b'\r'));
    let field = &text[..length.unwrap_or(text.len())];
    let value = std::str::from_utf8(field)
        .ok()
        .map(str::trim)
        .and_then(|field| if field.is_empty() { Some(f32::NAN) } else { field.parse().ok() });
    (value, field.len())
}

//! What the shape of a variable says that it is.

/// What the shape of a variable says that it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ShapeClass {
    /// Digits, perhaps signed.
    Integer,
    /// A number with a decimal point, an exponent or a thousands separator.
    Decimal,
    /// Hexadecimal digits.
    Hex,
    /// A universally unique identifier.
    Uuid,
    /// An IPv4 address, perhaps with port or prefix length.
    Ipv4,
    /// An IPv6 address, perhaps with zone, port or prefix length.
    Ipv6,
    /// A hardware address.
    Mac,
    /// A name at a domain.
    Email,
    /// A URL.
    Url,
    /// A path of a file system, or a name with a slash and a digit.
    Path,
    /// A host or package name, perhaps with port.
    Host,
    /// A time of day or a date.
    Time,
    /// A number with its unit of time or size, a duration, or a percentage.
    Quantity,
    /// Text in quotes after `=`.
    Quoted,
    /// A version number.
    Version,
    /// True or false.
    Boolean,
    /// A word for no value, such as `null`.
    Absent,
    /// Bytes written as base64, or a token made of it.
    Base64,
    /// A JSON object or array inside running text.
    Document,
    /// Letters and digits that are none of the above.
    Identifier,
    /// Several values in a row, or what was not looked at.
    List,
    /// What a user's mask matched.
    Custom,
}

impl ShapeClass {
    /// Returns the class of two variables that became one.
    pub(crate) fn joined(self, next: Self) -> Self {
        use ShapeClass::{Decimal, Host, Integer, Ipv4, Path, Time, Url};
        match (self, next) {
            (a, b) if a == b && a != Integer => a,
            (Integer | Decimal, Integer | Decimal) => Decimal,
            (Time, _) => Time,
            (Host | Ipv4 | Url | Path, Integer) => self,
            _ => Self::Identifier,
        }
    }
}

/// A span of content that was masked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Variable {
    /// First byte in the content.
    pub start: usize,
    /// One past the last byte in the content.
    pub end: usize,
    /// What its shape says.
    pub class: ShapeClass,
}

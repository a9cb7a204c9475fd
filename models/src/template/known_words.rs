//! Closed lists of words that have a shape of their own: units, months, booleans, domains.
//!
//! General English and computing only; no list knows a log.

/// Truth values, which vary wherever they stand.
pub(crate) const BOOLEANS: [&str; 6] = ["true", "false", "True", "False", "TRUE", "FALSE"];

/// Words for the absence of a value.
pub(crate) const ABSENT: [&str; 6] = ["null", "NULL", "nil", "Null", "undefined", "NaN"];

/// Months and weekdays in English, short and long.
pub(crate) const DATE_WORDS: [&str; 37] = [
    "Jan",
    "Feb",
    "Mar",
    "Apr",
    "May",
    "Jun",
    "Jul",
    "Aug",
    "Sep",
    "Oct",
    "Nov",
    "Dec",
    "January",
    "February",
    "March",
    "April",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
    "Mon",
    "Tue",
    "Wed",
    "Thu",
    "Fri",
    "Sat",
    "Sun",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
];

/// How many of the [`DATE_WORDS`] are short months; they come first.
pub(crate) const SHORT_MONTHS: usize = 12;

/// Time zones and halves of the day, as written after a time.
pub(crate) const ZONES: [&str; 19] = [
    "UTC", "GMT", "PST", "PDT", "EST", "EDT", "CST", "CDT", "MST", "MDT", "CET", "CEST", "BST",
    "IST", "JST", "MSK", "AM", "PM", "Z",
];

/// Reports whether a word is a unit of size or time, as written after a number.
pub(crate) fn is_unit(word: &str) -> bool {
    matches!(
        word,
        "B" | "b"
            | "byte"
            | "bytes"
            | "Bytes"
            | "kB"
            | "KB"
            | "MB"
            | "GB"
            | "TB"
            | "PB"
            | "KiB"
            | "MiB"
            | "GiB"
            | "TiB"
            | "K"
            | "M"
            | "G"
            | "T"
            | "kb"
            | "mb"
            | "gb"
    ) || matches!(
        word,
        "ns" | "us"
            | "ms"
            | "s"
            | "m"
            | "h"
            | "d"
            | "sec"
            | "secs"
            | "second"
            | "seconds"
            | "min"
            | "mins"
            | "minute"
            | "minutes"
            | "hour"
            | "hours"
            | "hr"
            | "hrs"
            | "day"
            | "days"
            | "msec"
            | "msecs"
            | "usec"
            | "nsec"
            | "millis"
            | "milliseconds"
            | "millisecond"
            | "microseconds"
            | "microsecond"
            | "nanoseconds"
            | "nanosecond"
            | "µs"
    )
}

/// Reports whether a word with several digits is a word all the same.
pub(crate) fn is_technical(word: &[u8]) -> bool {
    const WORDS: [&str; 30] = [
        "x86", "x64", "x86_64", "amd64", "arm64", "i386", "i686", "win32", "win64", "sha1",
        "sha224", "sha256", "sha384", "sha512", "base64", "base32", "utf8", "utf16", "ipv4",
        "ipv6", "http2", "nat64", "int32", "int64", "uint32", "uint64", "float32", "float64",
        "crc32", "oauth2",
    ];
    word.len() <= 7 && WORDS.iter().any(|known| known.as_bytes().eq_ignore_ascii_case(word))
}

/// Reports whether a label begins a reversed domain, as packages and bundles are named.
pub(crate) fn is_package_root(label: &[u8]) -> bool {
    matches!(
        label,
        b"com"
            | b"org"
            | b"net"
            | b"io"
            | b"edu"
            | b"gov"
            | b"de"
            | b"cn"
            | b"uk"
            | b"java"
            | b"javax"
            | b"jakarta"
            | b"sun"
            | b"android"
            | b"dev"
            | b"kotlin"
            | b"scala"
    )
}

/// Reports whether a label ends a host name.
pub(crate) fn is_top_domain(label: &[u8]) -> bool {
    matches!(
        label,
        b"com"
            | b"org"
            | b"net"
            | b"edu"
            | b"gov"
            | b"mil"
            | b"int"
            | b"info"
            | b"biz"
            | b"local"
            | b"lan"
            | b"internal"
            | b"localdomain"
            | b"localhost"
            | b"intranet"
            | b"corp"
            | b"svc"
            | b"arpa"
            | b"cloud"
            | b"dev"
            | b"app"
    ) || (label.len() == 2 && is_country(label))
}

fn is_country(label: &[u8]) -> bool {
    const CODES: &[u8] =
        b"ac ae at au be bg br ca ch cl cn co cz de dk ee eg es eu fi fr gr hk hr \
        hu ie il in ir it jp kr lt lu lv mx my ng nl no nz pe ph pk pl pt ro rs ru se sg si sk th \
        tr tv tw ua uk us vn za";
    CODES.chunks(3).any(|code| code[..2] == *label)
}

/// Reports whether the value of a `key="text"` pair is prose that says what happened.
pub(crate) fn is_prose_key(key: &[u8]) -> bool {
    const KEYS: [&str; 14] = [
        "msg",
        "message",
        "error",
        "err",
        "reason",
        "event",
        "text",
        "description",
        "cause",
        "exception",
        "detail",
        "details",
        "warning",
        "log",
    ];
    is_one_of(&KEYS, key)
}

/// Reports whether the value of a key names the kind of the document that it stands in.
pub(crate) fn is_kind_key(key: &[u8]) -> bool {
    const KEYS: [&str; 14] = [
        "type",
        "kind",
        "action",
        "operation",
        "op",
        "verb",
        "command",
        "cmd",
        "activity",
        "eventName",
        "event_name",
        "eventType",
        "event_type",
        "category",
    ];
    is_one_of(&KEYS, key)
}

fn is_one_of(known: &[&str], key: &[u8]) -> bool {
    known.iter().any(|known| known.as_bytes().eq_ignore_ascii_case(key))
}

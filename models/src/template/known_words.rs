//! Closed lists of words that have a shape of their own: units, months, booleans, domains.
//!
//! General English and computing only; no list knows a log.

/// Reports whether a word is a truth value, which varies wherever it stands.
pub(crate) fn is_boolean(word: &[u8]) -> bool {
    matches!(word, b"true" | b"false" | b"True" | b"False" | b"TRUE" | b"FALSE")
}

/// Reports whether a word stands for the absence of a value.
pub(crate) fn is_null(word: &[u8]) -> bool {
    matches!(word, b"null" | b"NULL" | b"nil" | b"Null" | b"undefined" | b"NaN" | b"n/a" | b"N/A")
}

/// Reports whether a word is a weekday in English, short or long.
pub(crate) fn is_weekday(word: &[u8]) -> bool {
    matches!(word, b"Mon" | b"Tue" | b"Wed" | b"Thu" | b"Fri" | b"Sat" | b"Sun")
        || matches!(word, b"Monday" | b"Tuesday" | b"Wednesday" | b"Thursday" | b"Friday")
        || matches!(word, b"Saturday" | b"Sunday")
}

/// Reports whether a word is a month in English, short or long.
pub(crate) fn is_month(word: &[u8]) -> bool {
    const SHORT: [&[u8; 3]; 12] = [
        b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov",
        b"Dec",
    ];
    match word.len() {
        3 => SHORT.iter().any(|month| word == *month),
        4..=9 => matches!(
            word,
            b"January"
                | b"February"
                | b"March"
                | b"April"
                | b"June"
                | b"July"
                | b"August"
                | b"September"
                | b"October"
                | b"November"
                | b"December"
        ),
        _ => false,
    }
}

/// Reports whether a word is a time zone or a half of the day, as written after a time.
pub(crate) fn is_zone(word: &[u8]) -> bool {
    matches!(
        word,
        b"UTC"
            | b"GMT"
            | b"PST"
            | b"PDT"
            | b"EST"
            | b"EDT"
            | b"CST"
            | b"CDT"
            | b"MST"
            | b"MDT"
            | b"CET"
            | b"CEST"
            | b"BST"
            | b"IST"
            | b"JST"
            | b"MSK"
            | b"AM"
            | b"PM"
            | b"Z"
    )
}

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
    KEYS.iter().any(|known| known.as_bytes().eq_ignore_ascii_case(key))
}

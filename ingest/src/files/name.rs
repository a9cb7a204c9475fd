//! The name of a service from the name of its file.

use std::path::Path;

/// Returns the stem of a file without `.log`, rotation numbers and dates, and compression suffixes:
/// `nginx.log.2.gz` is `nginx`, `/var/log/containers/web-1_shop_web-<id>.log` is `web`, `-` is `stdin`.
pub fn service_of(path: &Path) -> &str {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return "unknown" };
    if name == "-" {
        return "stdin";
    }
    let mut stem = name;
    while let Some((head, tail)) =
        stem.rsplit_once(['.', '-', '_']).filter(|(head, _)| !head.is_empty())
    {
        let is_dot = stem.as_bytes()[head.len()] == b'.';
        let is_suffix = is_dot
            && matches!(
                tail,
                "gz" | "zst"
                    | "xz"
                    | "bz2"
                    | "log"
                    | "txt"
                    | "json"
                    | "jsonl"
                    | "ndjson"
                    | "out"
                    | "err"
                    | "old"
            );
        let is_number = tail.bytes().all(|byte| byte.is_ascii_digit());
        let is_rotation = is_number && !tail.is_empty() && (is_dot || tail.len() >= 8);
        if is_suffix || is_rotation {
            stem = head;
        } else if let Some(head) = before_date(stem) {
            stem = head;
        } else {
            break;
        }
    }
    container(stem).unwrap_or(stem)
}

/// Takes `-2026-03-04`, or with any of `.`, `_` before it, off the end.
fn before_date(stem: &str) -> Option<&str> {
    let (head, date) = stem.split_at_checked(stem.len().checked_sub(11)?)?;
    let shape: Vec<u8> =
        date.bytes().map(|byte| if byte.is_ascii_digit() { b'0' } else { byte }).collect();
    (!head.is_empty() && matches!(&shape[..], b"-0000-00-00" | b".0000-00-00" | b"_0000-00-00"))
        .then_some(head)
}

/// `pod_namespace_container-<64 hex digits>`, as Kubernetes links container logs.
fn container(stem: &str) -> Option<&str> {
    let (head, id) = stem.rsplit_once('-')?;
    let is_id = id.len() == 64 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    head.rsplit_once('_').map(|(_, container)| container).filter(|_| is_id)
}

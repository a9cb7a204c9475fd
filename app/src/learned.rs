//! The file of services that were learned from captured logs, for a run that is to judge from its
//! first record on.
//!
//! One value behind a version, packed with zstd and its checksum: `replay --save-learned` writes it,
//! `detect.learned` names it.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, ensure};
use logwake_detector::detect::{DetectState, Known, Learned};
use logwake_emit::wire;
use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::lock::Lock;
use crate::whole_file::WholeFile;

/// zstd's own default.
const LEVEL: i32 = 3;

#[derive(Serialize, Deserialize)]
struct File {
    /// Width of the windows that counts were learned in, nanoseconds.
    window: u64,
    learned: Learned,
}

/// Reads what a configuration makes known from the start: its lock file and its learned services.
///
/// # Errors
/// Where a file that it names cannot be read or was made under another width of windows.
pub fn known_of(config: &Config) -> anyhow::Result<Known> {
    let learned = match &config.detect.learned {
        Some(path) => read(Path::new(path), config.detect.window.0)?,
        None => Learned::default(),
    };
    Ok(Known { seeds: Lock::seeds_of(config)?, learned, is_begin_normal: false })
}

/// Reads services that were learned under windows of this width.
///
/// # Errors
/// Where the file cannot be read or was made under another width.
pub fn read(path: &Path, window: Duration) -> anyhow::Result<Learned> {
    let name = || format!("read learned services of {}", path.display());
    let packed = std::fs::read(path).with_context(name)?;
    let bytes = zstd::decode_all(packed.as_slice()).with_context(name)?;
    let file: File = wire::decode("file of learned services", wire::DETECT_STATE_VERSION, &bytes)
        .with_context(name)?;
    let width = Duration::from_nanos(file.window);
    ensure!(
        width == window,
        "{}: learned in windows of {width:?}, detect.window is {window:?}",
        path.display()
    );
    Ok(file.learned)
}

/// Writes what a replay has learned to a file that is yet to be published.
///
/// # Errors
/// Where the file cannot be written.
pub fn write(path: &Path, window: Duration, state: &DetectState) -> anyhow::Result<WholeFile> {
    let name = || format!("write learned services to {}", path.display());
    let window = u64::try_from(window.as_nanos()).unwrap_or(u64::MAX);
    let bytes = wire::encode(
        wire::DETECT_STATE_VERSION,
        &File { window, learned: Learned::of(state.services()) },
    );
    let mut packer = zstd::Encoder::new(Vec::new(), LEVEL).with_context(name)?;
    packer.include_checksum(true).with_context(name)?;
    std::io::Write::write_all(&mut packer, &bytes).with_context(name)?;
    let mut file = WholeFile::create(path).with_context(name)?;
    file.add(&packer.finish().with_context(name)?).with_context(name)?;
    Ok(file)
}

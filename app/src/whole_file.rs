//! Files that are written beside their place and renamed into it, so that a full disk or a crash
//! leaves what was there before.
//!
//! Several files that belong together are all [synced](WholeFile::sync) before the first is
//! [published](WholeFile::publish): what does not fit on the disk changes none of them.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use tempfile::NamedTempFile;

/// Permissions of a new file before the process's umask, as `File::create` has them.
const MODE: u32 = 0o666;

/// A file that appears under its name once it is published; dropped before that, it leaves nothing.
#[derive(Debug)]
pub struct WholeFile {
    /// As given, for errors.
    name: PathBuf,
    out: BufWriter<Target>,
}

#[derive(Debug)]
enum Target {
    /// A file beside `place`, to be renamed to it.
    Beside { file: NamedTempFile, place: PathBuf },
    /// What cannot be renamed to, such as a pipe or `/dev/null`.
    Device(File),
}

impl WholeFile {
    /// Begins a file.
    ///
    /// # Errors
    /// Where nothing can be written in its folder, or the file is there and may not be written.
    pub fn create(path: &Path) -> anyhow::Result<Self> {
        let target = Target::of(path).with_context(|| format!("create {}", path.display()))?;
        Ok(Self { name: path.to_owned(), out: BufWriter::new(target) })
    }

    /// Writes a whole file.
    ///
    /// # Errors
    /// Where it cannot be written; what was there before is still there.
    pub fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
        let mut file = Self::create(path)?;
        file.add(bytes)?;
        file.sync()?;
        file.publish()
    }

    /// Writes more of it.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn add(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        self.out.write_all(bytes).with_context(|| format!("write {}", self.name.display()))
    }

    /// Brings everything to the disk.
    ///
    /// # Errors
    /// Where it does not get there.
    pub fn sync(&mut self) -> anyhow::Result<()> {
        let synced = self.out.flush().and_then(|()| match self.out.get_ref() {
            Target::Beside { file, .. } => file.as_file().sync_all(),
            Target::Device(_) => Ok(()),
        });
        synced.with_context(|| format!("write {}", self.name.display()))
    }

    /// Puts it in its place.
    ///
    /// # Errors
    /// Where it cannot be written or renamed.
    pub fn publish(self) -> anyhow::Result<()> {
        let Self { name, out } = self;
        let target = out.into_inner().map_err(io::IntoInnerError::into_error);
        let published = target.and_then(|target| match target {
            Target::Beside { file, place } => file.persist(place).map(drop).map_err(Into::into),
            Target::Device(_) => Ok(()),
        });
        published.with_context(|| format!("write {}", name.display()))
    }
}

impl Target {
    fn of(path: &Path) -> io::Result<Self> {
        let known = fs::metadata(path).ok();
        if known.as_ref().is_some_and(|known| !known.is_file()) {
            return File::create(path).map(Self::Device);
        }
        let mut permissions = Permissions::from_mode(MODE);
        let mut place = path.to_owned();
        if let Some(known) = known {
            // What its owner protects is not replaced either.
            OpenOptions::new().write(true).open(path)?;
            place = fs::canonicalize(path)?;
            permissions = known.permissions();
        }
        let folder = place.parent().filter(|folder| !folder.as_os_str().is_empty());
        let name = place.file_name().unwrap_or_default().to_string_lossy();
        let file = tempfile::Builder::new()
            .prefix(&format!(".{name}."))
            .suffix(".partial")
            .permissions(permissions)
            .tempfile_in(folder.unwrap_or(Path::new(".")))?;
        Ok(Self::Beside { file, place })
    }
}

impl Write for Target {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Beside { file, .. } => file.as_file_mut().write(bytes),
            Self::Device(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(dir: &Path) -> Vec<String> {
        let entries = fs::read_dir(dir).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn what_was_there_stays_until_the_new_file_is_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.lock");
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        let mut file = WholeFile::create(&path).unwrap();
        file.add(&[b'x'; 100_000]).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"old");
        drop(file);
        assert_eq!(names(dir.path()), ["a.lock"]);
        assert_eq!(fs::read(&path).unwrap(), b"old");
        WholeFile::write(&path, b"new").unwrap();
        assert_eq!(names(dir.path()), ["a.lock"]);
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
    }

    #[test]
    fn a_link_stays_a_link_and_a_device_is_written_to() {
        let dir = tempfile::tempdir().unwrap();
        let (target, link) = (dir.path().join("target"), dir.path().join("link"));
        fs::write(&target, "old").unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        WholeFile::write(&link, b"new").unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"new");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        WholeFile::write(Path::new("/dev/null"), b"new").unwrap();
        assert!(WholeFile::create(dir.path()).is_err());
    }
}

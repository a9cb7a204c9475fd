//! From arguments to files: files, folders with everything below them, patterns, standard input.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::FilesError;

/// One thing to read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Input {
    /// Standard input, `-`.
    Stdin,
    /// A file.
    File(PathBuf),
}

impl Input {
    /// Returns the path, `-` for standard input.
    pub fn path(&self) -> &Path {
        match self {
            Self::Stdin => Path::new("-"),
            Self::File(path) => path,
        }
    }
}

/// Expands arguments in their order; what a folder or pattern gives is sorted by path, and nothing comes twice.
///
/// In folders, entries whose name begins with a dot are skipped.
///
/// # Errors
///
/// When an argument names nothing, a pattern is not valid or a folder cannot be listed.
pub fn expand<S: AsRef<str>>(arguments: &[S]) -> Result<Vec<Input>, FilesError> {
    let (mut inputs, mut known) = (Vec::new(), BTreeSet::new());
    for argument in arguments {
        let found = one(argument.as_ref())?.into_iter();
        inputs.extend(found.filter(|input| known.insert(input.clone())));
    }
    Ok(inputs)
}

fn one(argument: &str) -> Result<Vec<Input>, FilesError> {
    if argument == "-" {
        return Ok(vec![Input::Stdin]);
    }
    let path = Path::new(argument);
    let mut files = Vec::new();
    if path.is_dir() {
        walk(path, &mut files)?;
    } else if fs::symlink_metadata(path).is_ok() {
        files.push(path.to_owned());
    } else if argument.contains(['*', '?', '[']) {
        let matches = glob::glob(argument)
            .map_err(|source| FilesError::Pattern { path: argument.to_owned(), source })?;
        for entry in matches {
            match entry {
                Ok(found) if found.is_dir() => walk(&found, &mut files)?,
                Ok(found) => files.push(found),
                Err(error) => {
                    return Err(FilesError::List {
                        path: error.path().to_owned(),
                        source: error.into(),
                    });
                }
            }
        }
    }
    if files.is_empty() && !path.is_dir() {
        return Err(FilesError::NotFound { path: argument.to_owned() });
    }
    files.sort();
    files.dedup();
    Ok(files.into_iter().map(Input::File).collect())
}

/// Collects the files below a folder; links to folders are not followed, so a ring of them ends.
fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), FilesError> {
    let failed = |source| FilesError::List { path: folder.to_owned(), source };
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        let kind = entry.file_type().map_err(failed)?;
        if kind.is_dir() {
            walk(&entry.path(), files)?;
        } else if kind.is_file() || kind.is_symlink() && entry.path().is_file() {
            files.push(entry.path());
        }
    }
    Ok(())
}

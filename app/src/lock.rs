//! The lock file: templates that a team has agreed on and keeps beside its code, each with its id,
//! its text and a note.
//!
//! TOML in the order of services and texts, one table a template, so that a change of one template
//! is a change of its lines alone.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, bail};
use logwake_detector::detect::Seeds;
use logwake_models::template::{Catalogue, CatalogueLimits, TemplateId};
use serde::Deserialize;
use toml::Spanned;

use crate::config::Config;

/// Version of the file.
const VERSION: u32 = 1;
const HEAD: &str = "\
# Templates that are known from the start: they keep their ids and texts and are never new.
# Written by `logwake templates --lock`; texts and notes may be edited, `<*>` stands for a value.
version = 1
";

/// The templates of a lock file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lock {
    entries: BTreeMap<(String, String), Entry>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    id: TemplateId,
    note: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    #[serde(default)]
    template: Vec<Spanned<Row>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    service: String,
    id: Option<String>,
    text: String,
    #[serde(default)]
    note: String,
}

impl Lock {
    /// Reads the templates of the lock file that a configuration names; none where it names none.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn seeds_of(config: &Config) -> anyhow::Result<Seeds> {
        match &config.templates.lock {
            Some(path) => Ok(Self::read(Path::new(path))?.seeds()),
            None => Ok(Seeds::new()),
        }
    }

    /// Reads a lock file.
    ///
    /// # Errors
    /// Where it cannot be read or a template in it cannot be one; the line is named.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let name = || format!("read templates of {}", path.display());
        let text = std::fs::read_to_string(path).with_context(name)?;
        Self::parse(&text).with_context(name)
    }

    fn parse(text: &str) -> anyhow::Result<Self> {
        let file: File = toml::from_str(text).map_err(|error| {
            let line = error.span().map_or(1, |span| line_of(text, span.start));
            anyhow::anyhow!("line {line}: {}", error.message())
        })?;
        if file.version != VERSION {
            bail!("version {} is not known, wanted {VERSION}", file.version);
        }
        let (mut lock, mut catalogues) = (Self::default(), BTreeMap::new());
        for row in file.template {
            let line = line_of(text, row.span().start);
            lock.add_row(row.into_inner(), &mut catalogues)
                .with_context(|| format!("line {line}"))?;
        }
        Ok(lock)
    }

    fn add_row(
        &mut self,
        row: Row,
        catalogues: &mut BTreeMap<String, Catalogue>,
    ) -> anyhow::Result<()> {
        let fresh = || Catalogue::new(&row.service, CatalogueLimits::default());
        let catalogue = catalogues.entry(row.service.clone()).or_insert_with(fresh);
        let id = row.id.as_deref().map(str::parse).transpose()?;
        if self.entries.contains_key(&(row.service.clone(), row.text.clone())) {
            bail!("the template `{}` of {} is given twice", row.text, row.service);
        }
        let id = catalogue.seed(id, &row.text)?;
        self.entries.insert((row.service, row.text), Entry { id, note: row.note });
        Ok(())
    }

    /// Adds a template that was found; reports whether it can be one of a lock file.
    pub fn add(&mut self, service: &str, id: TemplateId, text: &str) -> bool {
        let mut catalogue = Catalogue::new(service, CatalogueLimits::default());
        if catalogue.seed(Some(id), text).is_err() {
            return false;
        }
        let key = (service.to_owned(), text.to_owned());
        self.entries.entry(key).or_insert(Entry { id, note: String::new() });
        true
    }

    /// Returns the templates by service.
    pub fn seeds(&self) -> Seeds {
        let mut seeds = Seeds::new();
        for ((service, text), entry) in &self.entries {
            seeds.entry(service.clone()).or_default().push((Some(entry.id), text.clone()));
        }
        seeds
    }

    /// Returns how many there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Writes the file.
    pub fn to_toml(&self) -> String {
        let mut out = HEAD.to_owned();
        for ((service, text), entry) in &self.entries {
            let quoted = |text: &str| toml::Value::from(text).to_string();
            let (service, text, id) = (quoted(service), quoted(text), entry.id);
            _ = write!(out, "\n[[template]]\nservice = {service}\nid = \"{id}\"\ntext = {text}\n");
            if !entry.note.is_empty() {
                _ = writeln!(out, "note = {}", quoted(&entry.note));
            }
        }
        out
    }
}

fn line_of(text: &str, at: usize) -> usize {
    text.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"version = 1

[[template]]
service = "shop"
id = "t_00000000000000ff"
text = "mode changed to <*>"
note = "of the standby controller"

[[template]]
service = "shop"
text = 'user "<*>" left'
"#;

    fn error(text: &str) -> String {
        let error = Lock::parse(text).unwrap_err();
        error.chain().map(ToString::to_string).collect::<Vec<_>>().join(": ")
    }

    #[test]
    fn what_is_written_reads_back_with_ids_and_notes() {
        let lock = Lock::parse(FILE).unwrap();
        let written = lock.to_toml();
        assert_eq!(Lock::parse(&written).unwrap(), lock);
        assert_eq!(Lock::parse(&written).unwrap().to_toml(), written);
        assert!(written.contains("id = \"t_00000000000000ff\""), "{written}");
        assert!(written.contains("note = \"of the standby controller\""), "{written}");
        assert_eq!(lock.seeds()["shop"].len(), 2);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        let with = |row: &str| format!("version = 1\n\n[[template]]\nservice = \"shop\"\n{row}\n");
        assert_eq!(
            error(&with("text = \"took 5 ms\"")),
            "line 3: no line has the template `took 5 ms`: it is masked to `took <*> ms`"
        );
        assert_eq!(
            error(&with("id = \"7\"\ntext = \"left\"")),
            "line 3: template id \"7\" is not `t_` and 16 hexadecimal digits"
        );
        let unknown = error(&with("txet = \"left\""));
        assert!(unknown.starts_with("line ") && unknown.contains("txet"), "{unknown}");
        assert_eq!(error("version = 9\n"), "version 9 is not known, wanted 1");
        let twice = format!(
            "{FILE}\n[[template]]\nservice = \"shop\"\nid = \"t_00000000000000fe\"\ntext = \"mode changed to  <*>\"\n"
        );
        assert!(error(&twice).contains("line 13: the template"), "{}", error(&twice));
    }
}

//! Turns the texts that were found into values, and keeps count of what went wrong on the way.

use std::collections::BTreeMap;

use super::problem::{ConfigErrors, Fault, Problem};
use super::redact::{HIDDEN, without_password};
use super::report::Row;
use super::settings::{self, Fallback, Secrecy, Setting};
use super::sources::{Found, Gathered, Source};
use super::values::Env;

pub(super) struct Reader {
    pub(super) env: Env,
    found: BTreeMap<&'static str, Found>,
    /// What holds where nothing was set and the default is worked out.
    computed: BTreeMap<&'static str, (String, Source)>,
    problems: Vec<Problem>,
    pub(super) warnings: Vec<String>,
    #[cfg(test)]
    pub(super) asked: std::collections::BTreeSet<&'static str>,
}

impl Reader {
    pub(super) fn new(gathered: Gathered) -> Self {
        Self {
            env: gathered.env,
            found: gathered.found,
            computed: BTreeMap::new(),
            problems: gathered.problems,
            warnings: gathered.warnings,
            #[cfg(test)]
            asked: std::collections::BTreeSet::new(),
        }
    }

    /// The value of a setting; `None` when it is not set and has no fixed default, and when it
    /// can't be read, which is then among the problems.
    pub(super) fn get<T>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Result<T, Fault>,
    ) -> Option<T> {
        #[cfg(test)]
        self.asked.insert(name);
        let setting = settings::find(name)?;
        let production = self.env == Env::Production;
        let Some(found) = self.found.get(name) else {
            return setting
                .default_value(production)
                .and_then(|text| parse(text).ok());
        };
        if production && setting.refused.contains(&found.text.as_str()) {
            let what = format!("is `{}`, which production refuses", found.text);
            let fix = "Leave it as it is by default, or set KITH_ENV to `dev`.";
            self.problems.push(Fault::new(what, fix).of(name));
            return None;
        }
        match parse(&found.text) {
            Ok(value) => Some(value),
            Err(fault) => {
                let problem = located(setting, found, fault);
                self.problems.push(problem);
                None
            }
        }
    }

    /// The text of a setting.
    pub(super) fn text(&mut self, name: &'static str) -> Option<String> {
        self.get(name, |text| Ok(text.to_owned()))
    }

    /// Whether something set it: it does not have its default.
    pub(super) fn is_set(&self, name: &str) -> bool {
        self.found.contains_key(name)
    }

    /// Reports something wrong with a setting.
    pub(super) fn problem(&mut self, name: &str, fault: Fault) {
        self.problems.push(fault.of(name));
    }

    /// Adds what others have found wrong.
    pub(super) fn add(&mut self, problems: Vec<Problem>) {
        self.problems.extend(problems);
    }

    /// Whether a setting has a problem by now.
    pub(super) fn has_problems(&self) -> bool {
        !self.problems.is_empty()
    }

    /// Tells what holds where a default was worked out.
    pub(super) fn computed(
        &mut self,
        name: &'static str,
        value: impl Into<String>,
        source: Source,
    ) {
        if !self.is_set(name) {
            self.computed.insert(name, (value.into(), source));
        }
    }

    /// What is in effect, or everything that is wrong.
    pub(super) fn finish(&mut self) -> Result<Vec<Row>, ConfigErrors> {
        if self.has_problems() {
            let mut problems = std::mem::take(&mut self.problems);
            problems.sort_by_key(|problem| {
                settings::all().position(|setting| problem.name.starts_with(setting.name))
            });
            return Err(ConfigErrors { problems });
        }
        Ok(settings::all().map(|setting| self.row(setting)).collect())
    }

    fn row(&self, setting: &'static Setting) -> Row {
        let name = setting.name;
        let (value, source) = match (self.found.get(name), self.computed.get(name)) {
            (Some(found), _) => (shown(setting, &found.text), found.source.clone()),
            (None, Some((value, source))) => (shown(setting, value), source.clone()),
            (None, None) => (self.default_of(setting), Source::Default),
        };
        Row {
            name,
            value,
            source,
            doc: setting.doc,
        }
    }

    fn default_of(&self, setting: &Setting) -> String {
        match (
            setting.default,
            setting.default_value(self.env == Env::Production),
        ) {
            (Fallback::Words(words), _) => format!("({words})"),
            (_, value) => value.unwrap_or_default().to_owned(),
        }
    }
}

fn shown(setting: &Setting, value: &str) -> String {
    match setting.secrecy {
        Secrecy::Open => value.to_owned(),
        Secrecy::Url => without_password(value),
        Secrecy::Secret => HIDDEN.to_owned(),
    }
}

/// Adds to a fault the value that caused it, unless it may be a secret, and where that came from.
fn located(setting: &Setting, found: &Found, fault: Fault) -> Problem {
    let place = match (setting.secrecy, &found.source) {
        (Secrecy::Open, source) => {
            let shown = fault.part.as_deref().unwrap_or(&found.text);
            let start: String = shown.chars().take(60).collect();
            format!("{start:?} from {source}")
        }
        (_, source) => format!("from {source}"),
    };
    let what = format!(
        "{} ({})",
        fault.what,
        place.replace("from environment", "from the environment")
    );
    Fault::new(what, fault.fix).of(setting.name)
}

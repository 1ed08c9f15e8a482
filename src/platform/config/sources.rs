//! Where the values of settings come from: the environment, `kith.toml`, in the dev profile `.env`,
//! and the defaults of the table. The process's own environment is read and never changed.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use super::files;
use super::problem::{Fault, Problem, nearest};
use super::settings::{self, Setting};
use super::values::Env;
use crate::kernel::IdFactory;

/// What settings may be read from.
#[derive(Clone)]
pub struct Sources {
    environment: BTreeMap<String, String>,
    /// Variables whose values can't be read.
    not_unicode: Vec<String>,
    /// Where `kith.toml`, `.env` and the default `KITH_DIR` are looked for; without it, none of
    /// them is.
    dir: Option<PathBuf>,
    pub(super) cores: u32,
    pub(super) ids: IdFactory,
}

impl Sources {
    /// The environment and the working directory of this process.
    pub fn from_process() -> Self {
        let mut environment = BTreeMap::new();
        let mut not_unicode = Vec::new();
        for (name, value) in std::env::vars_os() {
            let Ok(name) = name.into_string() else {
                continue;
            };
            match value.into_string() {
                Ok(value) => {
                    environment.insert(name, value);
                }
                Err(_value) => not_unicode.push(name),
            }
        }
        let cores = std::thread::available_parallelism()
            .ok()
            .and_then(|cores| u32::try_from(cores.get()).ok());
        Self {
            environment,
            not_unicode,
            dir: Some(PathBuf::new()),
            cores: cores.unwrap_or(1),
            ids: IdFactory::from_os(),
        }
    }

    /// These variables and nothing else: no files, unless a variable names one, and a machine with
    /// two cores. Keys of the dev profile are kept only if `KITH_DIR` is among the variables.
    pub fn of<N: Into<String>, V: Into<String>>(
        variables: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        Self {
            environment: variables
                .into_iter()
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
            not_unicode: Vec::new(),
            dir: None,
            cores: 2,
            ids: IdFactory::from_os(),
        }
    }

    /// The same, with the files of a working directory.
    pub fn in_dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.dir = Some(dir.into());
        self
    }

    /// The path as seen from the working directory of these sources.
    pub(super) fn path(&self, path: &str) -> PathBuf {
        self.dir.clone().unwrap_or_default().join(path)
    }

    pub(super) fn has_dir(&self) -> bool {
        self.dir.is_some()
    }
}

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// The environment.
    Environment,
    /// A settings file, `.env` among them.
    File(PathBuf),
    /// The file that `NAME_FILE` names.
    SecretFile(PathBuf),
    /// It was made, and is kept for the next time.
    Made(PathBuf),
    /// Nothing set it.
    Default,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment => f.write_str("environment"),
            Self::File(path) | Self::SecretFile(path) => write!(f, "{}", path.display()),
            Self::Made(path) => write!(f, "made, kept in {}", path.display()),
            Self::Default => f.write_str("default"),
        }
    }
}

/// The text of a setting.
pub(super) struct Found {
    pub(super) text: String,
    pub(super) source: Source,
}

/// What was found for every setting.
pub(super) struct Gathered {
    pub(super) env: Env,
    pub(super) found: BTreeMap<&'static str, Found>,
    pub(super) problems: Vec<Problem>,
    pub(super) warnings: Vec<String>,
}

/// One source's values by their names in upper case.
struct Layer {
    source: Source,
    values: BTreeMap<String, String>,
}

impl Layer {
    fn get(&self, name: &str) -> Option<&str> {
        self.values
            .get(name)
            .map(|value| value.trim())
            .filter(|value| !value.is_empty())
    }
}

/// Looks every setting up. The first source that has a value for it counts.
pub(super) fn gather(sources: &Sources) -> Gathered {
    let unreadable = sources.not_unicode.iter().filter(|name| is_known(name));
    let mut problems: Vec<Problem> = unreadable
        .map(|name| Fault::new("is not valid UTF-8", "Give it in UTF-8.").of(name))
        .collect();
    let mut layers = vec![Layer {
        source: Source::Environment,
        values: sources.environment.clone(),
    }];
    if let Some(path) = config_path(sources) {
        match files::read_toml(&path) {
            Ok(values) => layers.push(Layer {
                source: Source::File(path),
                values,
            }),
            Err(mut found) => problems.append(&mut found),
        }
    }
    // A profile that can't be read is reported where the setting is; until then it is dev, which
    // asks for the least.
    let env = layers
        .iter()
        .find_map(|layer| layer.get("KITH_ENV"))
        .and_then(|text| text.parse::<Env>().ok())
        .unwrap_or(Env::Dev);
    let dotenv = sources.path(".env");
    if env == Env::Dev && sources.has_dir() && dotenv.is_file() {
        match files::read_dotenv(&dotenv) {
            Ok(values) => layers.push(Layer {
                source: Source::File(dotenv),
                values,
            }),
            Err(problem) => problems.push(problem),
        }
    }
    let mut found = BTreeMap::new();
    for setting in settings::all() {
        match look_up(setting, &layers, sources) {
            Ok(Some(value)) => {
                found.insert(setting.name, value);
            }
            Ok(None) => {}
            Err(problem) => problems.push(problem),
        }
    }
    Gathered {
        env,
        found,
        problems,
        warnings: layers.iter().flat_map(unknown_names).collect(),
    }
}

fn config_path(sources: &Sources) -> Option<PathBuf> {
    let named = sources
        .environment
        .get("KITH_CONFIG")
        .map(|path| path.trim());
    match named.filter(|path| !path.is_empty()) {
        Some(path) => Some(sources.path(path)),
        None => Some(sources.path("kith.toml")).filter(|path| sources.has_dir() && path.is_file()),
    }
}

fn look_up(
    setting: &'static Setting,
    layers: &[Layer],
    sources: &Sources,
) -> Result<Option<Found>, Problem> {
    for layer in layers {
        if let Some(text) = layer.get(setting.name) {
            return Ok(Some(Found {
                text: text.to_owned(),
                source: layer.source.clone(),
            }));
        }
        let file_name = format!("{}_FILE", setting.name);
        if let Some(path) = layer.get(&file_name).filter(|_| setting.may_be_in_a_file()) {
            let path = sources.path(path);
            let text = secret_from(&path).map_err(|fault| fault.of(file_name))?;
            return Ok(Some(Found {
                text,
                source: Source::SecretFile(path),
            }));
        }
    }
    Ok(None)
}

fn secret_from(path: &Path) -> Result<String, Fault> {
    let shown = path.display();
    let text = std::fs::read_to_string(path).map_err(|error| {
        let what = format!("names {shown}, which can't be read ({error})");
        Fault::new(what, "Name a file that kith may read.")
    })?;
    let text = text.trim();
    if text.is_empty() {
        let what = format!("names {shown}, which is empty");
        return Err(Fault::new(what, "Write the value into the file."));
    }
    Ok(text.to_owned())
}

/// Whether `name`, in upper case, is a setting or names the file of one.
pub(super) fn is_known(name: &str) -> bool {
    let of_a_file = name.strip_suffix("_FILE").and_then(settings::find);
    settings::find(name).is_some() || of_a_file.is_some_and(Setting::may_be_in_a_file)
}

fn unknown_names(layer: &Layer) -> Vec<String> {
    let names = layer.values.keys();
    names
        .filter(|name| name.starts_with("KITH_") && !is_known(name))
        .map(|name| {
            let hint = nearest(name).map(|known| format!(" Did you mean {known}?"));
            format!(
                "{name} ({}) is no setting of kith and has no effect.{}",
                layer.source,
                hint.unwrap_or_default()
            )
        })
        .collect()
}

//! Settings as a whole: sources, profiles, problems and secrets.

use std::path::Path;

use super::reader::Reader;
use super::*;

const STRONG: &str = "q0Zl7e2yRr1mXW3mXkz6o0dJmT1c0M9o5n4q8bq3b1E=";

fn load(variables: &[(&str, &str)]) -> Result<Config, ConfigErrors> {
    Config::load(&Sources::of(variables.iter().copied()))
}

fn load_in(dir: &Path, variables: &[(&str, &str)]) -> Result<Config, ConfigErrors> {
    Config::load(&Sources::of(variables.iter().copied()).in_dir(dir))
}

fn production(more: &[(&str, &str)]) -> Result<Config, ConfigErrors> {
    let jwt = format!("a:{STRONG}");
    let mut variables = vec![
        ("KITH_ENV", "production"),
        ("KITH_JWT_KEYS", jwt.as_str()),
        ("KITH_SECRET_KEY", STRONG),
    ];
    variables.retain(|(name, _)| more.iter().all(|(other, _)| other != name));
    variables.extend(more);
    load(&variables)
}

fn names(result: Result<Config, ConfigErrors>) -> Vec<String> {
    let errors = result.expect_err("refused");
    errors
        .problems
        .into_iter()
        .map(|problem| problem.name)
        .collect()
}

fn dir_with(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    for (name, text) in files {
        std::fs::write(dir.path().join(name), text).expect("writes");
    }
    dir
}

#[test]
fn nothing_has_to_be_set_in_dev() {
    let config = load(&[]).expect("loads");
    assert_eq!(config.addr.to_string(), "127.0.0.1:8080");
    assert!(matches!(config.database, DatabaseSource::Embedded));
    assert_eq!(config.roles, [Role::Web, Role::Gateway, Role::Worker]);
    assert_eq!((config.db_pool, config.l1_bytes), (16, 256 << 20));
    assert_eq!(config.statement_timeout, Duration::from_secs(5));
    assert_eq!(config.shutdown_grace, Duration::from_secs(10));
    assert_eq!(config.log_format, LogFormat::Text);
    assert_eq!(config.mail_dir, Path::new(".kith/mail"));
    assert_eq!(config.allowed_origins.len(), 21);
    assert_eq!(
        config.public_url("0.0.0.0:8123".parse().expect("an address")),
        "http://127.0.0.1:8123"
    );
    assert!(config.warnings.is_empty(), "{:?}", config.warnings);
}

#[test]
fn all_problems_are_told_at_once_each_with_what_to_do() {
    let errors = load(&[
        ("KITH_ADDR", "here"),
        ("KITH_REGISTRATION", "sometimes"),
        ("KITH_STATEMENT_TIMEOUT", "5"),
        ("KITH_TRUSTED_PROXIES", "10.0.0.1/8"),
        ("KITH_ALLOWED_ORIGINS", "*"),
        ("KITH_DB_POOL", "0"),
        ("DATABASE_URL", "mysql://root:hunter2@db"),
        ("KITH_LOG", "=="),
        ("KITH_MAIL_FROM", "nobody"),
        ("KITH_ROLES", "web,cook"),
    ])
    .expect_err("refused");
    assert_eq!(errors.problems.len(), 10, "{errors}");
    let text = errors.to_string();
    for problem in &errors.problems {
        assert!(
            text.contains(&problem.name) && !problem.what.is_empty() && !problem.fix.is_empty()
        );
    }
    assert!(
        text.contains("KITH_ADDR is not an IP address with a port (\"here\" from the environment)")
    );
    assert!(!text.contains("hunter2"));
}

#[test]
fn production_refuses_missing_keys_weak_keys_and_unsafe_switches() {
    assert!(production(&[]).is_ok());
    assert_eq!(
        names(load(&[("KITH_ENV", "production")])),
        ["KITH_JWT_KEYS", "KITH_SECRET_KEY"]
    );
    assert_eq!(
        names(production(&[("KITH_JWT_KEYS", "a:short")])),
        ["KITH_JWT_KEYS"]
    );
    let second_is_weak = format!("a:{STRONG},b:short");
    assert_eq!(
        names(production(&[("KITH_JWT_KEYS", &second_is_weak)])),
        ["KITH_JWT_KEYS"]
    );
    assert_eq!(
        names(production(&[("KITH_SECRET_KEY", "short")])),
        ["KITH_SECRET_KEY"]
    );
    assert_eq!(
        names(production(&[("KITH_LIMITS", "off")])),
        ["KITH_LIMITS"]
    );
    assert_eq!(names(production(&[("KITH_CACHE", "off")])), ["KITH_CACHE"]);
    let dev = load(&[
        ("KITH_LIMITS", "off"),
        ("KITH_CACHE", "off"),
        ("KITH_SECRET_KEY", "short"),
    ]);
    let dev = dev.expect("dev allows it");
    assert!(!dev.limits && dev.cache == CacheMode::Off);
}

#[test]
fn an_empty_value_is_no_value() {
    let config = load(&[("REDIS_URL", ""), ("KITH_ADDR", "  ")]).expect("loads");
    assert!(config.redis_url.is_none());
    assert_eq!(config.addr.port(), 8080);
}

#[test]
fn the_first_source_that_has_a_value_counts() {
    let dir = dir_with(&[
        (
            "kith.toml",
            "kith_addr = '127.0.0.1:2'\nkith_db_pool = 3\nkith_public_read = false",
        ),
        (".env", "KITH_DB_POOL=4\nKITH_MAX_SOCKETS=5\nKITH_ENV=dev"),
    ]);
    let config = load_in(dir.path(), &[("KITH_ADDR", "127.0.0.1:1")]).expect("loads");
    assert_eq!(config.addr.port(), 1);
    assert_eq!((config.db_pool, config.max_sockets), (3, 5));
    assert!(!config.public_read);
    let source = |name: &str| {
        let row = config
            .rows()
            .iter()
            .find(|row| row.name == name)
            .expect("a row");
        row.source.clone()
    };
    assert_eq!(source("KITH_ADDR"), Source::Environment);
    assert_eq!(
        source("KITH_DB_POOL"),
        Source::File(dir.path().join("kith.toml"))
    );
    assert_eq!(
        source("KITH_MAX_SOCKETS"),
        Source::File(dir.path().join(".env"))
    );
    assert_eq!(source("KITH_LOG"), Source::Default);
}

#[test]
fn a_secret_may_come_from_a_file() {
    let dir = dir_with(&[("jwt", "a:from-a-file\n"), ("empty", "\n")]);
    let path = |name: &str| dir.path().join(name).display().to_string();
    let config = load(&[("KITH_JWT_KEYS_FILE", &path("jwt"))]).expect("loads");
    assert_eq!(config.jwt_keys.expose(), "a:from-a-file");
    assert!(config.warnings.is_empty(), "{:?}", config.warnings);
    assert_eq!(
        names(load(&[("KITH_JWT_KEYS_FILE", &path("empty"))])),
        ["KITH_JWT_KEYS_FILE"]
    );
    assert_eq!(
        names(load(&[("DATABASE_URL_FILE", &path("absent"))])),
        ["DATABASE_URL_FILE"]
    );
    // What is no secret comes from no file.
    let config = load(&[("KITH_ADDR_FILE", &path("absent"))]).expect("loads");
    assert_eq!(config.warnings.len(), 1);
}

#[test]
fn dotenv_is_ignored_in_production_and_cannot_choose_it() {
    let dir = dir_with(&[(".env", "KITH_MAX_SOCKETS=5")]);
    let dev = load_in(dir.path(), &[]).expect("loads");
    assert_eq!(dev.max_sockets, 5);
    let jwt = format!("a:{STRONG}");
    let variables = [
        ("KITH_ENV", "production"),
        ("KITH_JWT_KEYS", jwt.as_str()),
        ("KITH_SECRET_KEY", STRONG),
    ];
    let production = load_in(dir.path(), &variables).expect("loads");
    assert_eq!(production.max_sockets, 10_000);
    let dir = dir_with(&[(".env", "KITH_ENV=production")]);
    let errors = load_in(dir.path(), &[]).expect_err("refused").to_string();
    assert!(
        errors.contains("sets KITH_ENV, which is not read from this file"),
        "{errors}"
    );
}

#[test]
fn an_unknown_key_in_the_settings_file_is_an_error_that_suggests_the_right_one() {
    let dir = dir_with(&[(
        "kith.toml",
        "kith_adr = '127.0.0.1:1'\nkith_colour = 'red'\n[kith_log]",
    )]);
    let errors = load_in(dir.path(), &[]).expect_err("refused");
    let text = errors.to_string();
    assert!(text.contains("Did you mean `kith_addr`?"), "{text}");
    assert!(
        text.contains("`kith_colour`, which is no setting"),
        "{text}"
    );
    assert!(
        text.contains("gives `kith_log` a value of the wrong kind"),
        "{text}"
    );
    let dir = dir_with(&[("kith.toml", "kith_log = 'info'\nkith_secret_key = hunter2")]);
    let text = load_in(dir.path(), &[]).expect_err("refused").to_string();
    assert!(
        text.contains("line 2") && !text.contains("hunter2"),
        "{text}"
    );
    assert_eq!(
        names(load(&[("KITH_CONFIG", "/absent/kith.toml")])),
        ["/absent/kith.toml"]
    );
}

#[test]
fn an_unknown_variable_is_a_warning_without_its_value() {
    let config = load(&[("KITH_JWT_KEY", "a:hunter2"), ("HOME", "/root")]).expect("loads");
    let [warning] = &config.warnings[..] else {
        panic!("one warning: {:?}", config.warnings)
    };
    assert!(warning.contains("KITH_JWT_KEY") && warning.contains("Did you mean KITH_JWT_KEYS?"));
    assert!(!warning.contains("hunter2"));
}

#[test]
fn no_secret_is_ever_printed() {
    let config = load(&[
        ("DATABASE_URL", "postgres://kith:hunter2@db/kith"),
        (
            "DATABASE_MIGRATE_URL",
            "postgres://db/kith?user=owner&password=hunter2",
        ),
        ("REDIS_URL", "redis://:hunter2@redis:6379"),
        ("KITH_JWT_KEYS", "a:hunter2"),
        ("KITH_SECRET_KEY", "hunter2"),
        ("KITH_SMTP_URL", "smtp://me:hunter2@mail"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://me:hunter2@traces"),
    ])
    .expect("loads");
    let printed = format!("{config:?} {config:#?} {:?}", config.rows());
    assert!(!printed.contains("hunter2"), "{printed}");
    assert!(printed.contains("postgres://kith:********@db/kith"));
    let DatabaseSource::Url(url) = &config.database else {
        panic!("a URL")
    };
    assert_eq!(url.expose(), "postgres://kith:hunter2@db/kith");
}

#[test]
fn keys_of_the_dev_profile_are_made_once_and_kept() {
    let dir = dir_with(&[]);
    let first = load_in(dir.path(), &[]).expect("loads");
    let second = load_in(dir.path(), &[("KITH_JWT_KEYS", "a:mine")]).expect("loads");
    assert_eq!(
        first.secret_key.derive("cursor"),
        second.secret_key.derive("cursor")
    );
    assert_eq!(second.jwt_keys.signing().kid, "a");
    assert!(first.jwt_keys.weakness().is_none() && first.secret_key.weakness().is_none());
    let row = first
        .rows()
        .iter()
        .find(|row| row.name == "KITH_SECRET_KEY")
        .expect("a row");
    assert_eq!(row.source, Source::Made(dir.path().join(".kith/keys")));
    // Settings that are refused leave nothing behind, and nor do those of a test.
    let other = dir_with(&[]);
    load_in(other.path(), &[("KITH_ENV", "prod")]).expect_err("refused");
    assert!(!other.path().join(".kith").exists());
    let (a, b) = (load(&[]).expect("loads"), load(&[]).expect("loads"));
    assert_ne!(a.secret_key.derive("cursor"), b.secret_key.derive("cursor"));
}

#[test]
fn the_frontend_may_call_the_api_unless_origins_are_given() {
    let web = ("KITH_WEB_URL", "https://Example.org/app/");
    let config = production(&[web]).expect("loads");
    assert_eq!(config.allowed_origins, ["https://example.org"]);
    assert_eq!(config.web_url.as_deref(), Some("https://Example.org/app"));
    let given = ("KITH_ALLOWED_ORIGINS", "https://a.org, https://b.org:8443");
    let config = production(&[web, given]).expect("loads");
    assert_eq!(
        config.allowed_origins,
        ["https://a.org", "https://b.org:8443"]
    );
}

#[test]
fn without_a_frontend_pages_of_the_public_url_may_call() {
    let public = ("KITH_PUBLIC_URL", "https://Kith.example.org");
    let config = production(&[public]).expect("loads");
    assert_eq!(config.allowed_origins, ["https://kith.example.org"]);
}

#[test]
fn a_url_that_cannot_be_read_is_told_without_what_may_be_its_password() {
    let errors = load(&[("REDIS_URL", "redis://a:hunter2:c/")]).expect_err("refused");
    let text = errors.to_string();
    assert!(text.contains("REDIS_URL is a URL that can't be read"));
    assert!(!text.contains("hunter2"), "{text}");
}

#[test]
fn the_profile_dev_in_front_of_the_public_is_warned_of() {
    let warned = |config: Config| {
        let mut warnings = config.warnings.iter();
        warnings.any(|warning| warning.contains("the profile is dev"))
    };
    let public = ("KITH_PUBLIC_URL", "https://kith.example.org");
    assert!(warned(load(&[public]).expect("loads")));
    let local = ("KITH_PUBLIC_URL", "http://localhost:8080");
    assert!(!warned(load(&[local]).expect("loads")));
    assert!(!warned(production(&[public]).expect("loads")));
}

#[test]
fn a_fault_in_a_list_names_the_part_that_has_it() {
    let list = "capacitor://localhost,https://a.org/app";
    let errors = load(&[("KITH_ALLOWED_ORIGINS", list)]).expect_err("refused");
    let text = errors.to_string();
    assert!(text.contains("has something with a path"), "{text}");
    assert!(text.contains("(\"https://a.org/app\" from the"), "{text}");
    assert!(!text.contains("capacitor://localhost,"), "{text}");
}

#[test]
fn what_others_find_wrong_is_told_with_the_rest() {
    let sources = Sources::of([("KITH_ADDR", "nowhere"), ("KITH_LIMITS_FILE", "/absent")]);
    let found = Config::load_and(&sources, |config| {
        assert_eq!(config.limits_file.as_deref(), Some(Path::new("/absent")));
        vec![Fault::new("is not there", "Make it.").of("KITH_LIMITS_FILE")]
    });
    assert_eq!(names(found), ["KITH_ADDR", "KITH_LIMITS_FILE"]);
}

#[test]
fn the_table_and_what_is_read_are_the_same() {
    let sources = Sources::of::<String, String>([]);
    let mut reader = Reader::new(sources::gather(&sources));
    Config::read(&mut reader, &sources);
    let table: std::collections::BTreeSet<&str> = settings::all().map(|row| row.name).collect();
    assert_eq!(reader.asked, table);
    assert_eq!(
        table.len(),
        settings::all().count(),
        "a name is in the table twice"
    );
    assert_eq!(load(&[]).expect("loads").rows().len(), table.len());
}

#[test]
fn every_default_and_example_of_the_table_can_be_read() {
    // Both of these would make the test touch files.
    let touches_files = ["KITH_CONFIG", "KITH_DIR"];
    for setting in settings::all().filter(|setting| !touches_files.contains(&setting.name)) {
        let values = [setting.default_value(false), setting.default_value(true)];
        for value in values.into_iter().flatten().chain([setting.example]) {
            let result = if value == "production" {
                Ok(())
            } else {
                load(&[(setting.name, value)]).map(|_| ())
            };
            assert_eq!(result, Ok(()), "{} = {value}", setting.name);
        }
    }
}

//! Accounts, sessions, tokens and counters.

use crate::support::Place;

/// A migrated database with three people in it.
fn place() -> Place {
    let place = Place::new();
    place.run(&["migrate"]).expect_code(0);
    place.sql(
        "insert into account (user_id, username, display_name, created_at, updated_at)
         select gen_random_uuid(), name, initcap(name), now(), now()
         from unnest(array['anna', 'bela', 'cyril']) as name;
         insert into user_settings (user_id, updated_at) select user_id, now() from account;
         insert into user_counter (user_id) select user_id from account;
         insert into credential (user_id, email, password_hash, password_changed_at)
         select user_id, username || '@example.org', 'none', now() from account",
    );
    place
}

#[test]
fn a_list_is_walked_to_its_end_without_holes() {
    let place = place();
    let mut names = Vec::new();
    let mut after = String::new();
    loop {
        let mut args = vec!["user", "list", "--limit", "1", "--json"];
        if !after.is_empty() {
            args.extend(["--after", &after]);
        }
        let page = place.run(&args).expect_code(0).json();
        names.push(
            page["data"][0]["username"]
                .as_str()
                .expect("a name")
                .to_owned(),
        );
        match page["next"].as_str() {
            Some(next) => next.clone_into(&mut after),
            None => break,
        }
    }
    names.sort();
    assert_eq!(names, ["anna", "bela", "cyril"]);
    place
        .run(&["user", "list", "--after", "nonsense"])
        .expect_code(2);
    let found = place
        .run(&["user", "list", "--q", "BELA@ex", "--json"])
        .json();
    assert_eq!(found["data"].as_array().map(Vec::len), Some(1));
}

#[test]
fn an_account_is_shown_by_username_address_or_id() {
    let place = place();
    let shown = place
        .run(&["user", "show", "@anna", "--json"])
        .expect_code(0)
        .json();
    let id = shown["id"].as_str().expect("an id");
    for name in ["anna", "Anna@Example.org", id] {
        assert_eq!(
            place
                .run(&["user", "show", name, "--json"])
                .expect_code(0)
                .json(),
            shown
        );
    }
    place.run(&["user", "show", "nobody"]).expect_code(1);
}

#[test]
fn a_role_is_changed_and_an_unknown_one_refused() {
    let place = place();
    place
        .run(&["user", "promote", "anna", "--role", "admin"])
        .expect_code(0);
    assert_eq!(
        place.run(&["user", "show", "anna", "--json"]).json()["role"],
        "admin"
    );
    place
        .run(&["user", "promote", "anna", "--role", "king"])
        .expect_code(2);
}

#[test]
fn a_minted_token_is_good_until_its_account_is_suspended() {
    let place = place();
    let minted = place
        .run(&["token", "mint", "--user", "anna", "--json"])
        .expect_code(0)
        .json();
    assert_eq!(minted["expires_in"], 900);
    let listed = place
        .run(&["sessions", "list", "anna", "--json"])
        .expect_code(0)
        .json();
    assert_eq!(listed["data"][0]["id"], minted["session_id"]);
    assert_eq!(listed["data"][0]["device_name"], "kith token mint");
    let ran = place.run(&[
        "user", "suspend", "anna", "--until", "7d", "--reason", "spam",
    ]);
    assert!(ran.expect_code(0).stdout.contains("Sessions ended: 1."));
    let shown = place.run(&["user", "show", "anna", "--json"]).json();
    assert_eq!(
        (&shown["state"], &shown["suspended_reason"]),
        (&"suspended".into(), &"spam".into())
    );
    place
        .run(&["token", "mint", "--user", "anna"])
        .expect_code(1);
    place.run(&["user", "unsuspend", "anna"]).expect_code(0);
    assert_eq!(
        place.run(&["user", "show", "anna", "--json"]).json()["state"],
        "active"
    );
    place
        .run(&["user", "suspend", "anna", "--until", "yesterday"])
        .expect_code(2);
    place
        .in_production()
        .run(&["token", "mint", "--user", "anna"])
        .expect_code(2);
}

#[test]
fn sessions_are_ended_one_by_one_or_all_at_once() {
    let place = place();
    let mint = || {
        let minted = place
            .run(&["token", "mint", "--user", "anna", "--json"])
            .expect_code(0)
            .json();
        minted["session_id"].as_str().expect("an id").to_owned()
    };
    let (first, _second, _third) = (mint(), mint(), mint());
    place.run(&["sessions", "revoke", &first]).expect_code(0);
    place.run(&["sessions", "revoke", &first]).expect_code(1);
    let ran = place
        .run(&["sessions", "revoke", "--user", "anna"])
        .expect_code(0);
    assert_eq!(ran.stdout, "Sessions ended: 2.\n");
    place.run(&["sessions", "revoke"]).expect_code(2);
    let ran = place.run(&["sessions", "revoke", "xyz"]).expect_code(2);
    assert!(ran.stderr.contains("give an id, such as"), "{}", ran.stderr);
}

#[test]
fn recount_tells_drift_and_corrects_it_unless_it_is_a_dry_run() {
    let place = place();
    place.sql("update user_counter set friends = 7");
    for _ in 0..2 {
        let ran = place
            .run(&["recount", "--dry-run", "--json"])
            .expect_code(3);
        assert_eq!(ran.json()["drifted"]["users"], 3);
    }
    place.run(&["recount"]).expect_code(0);
    assert_eq!(
        place.ask("select sum(friends)::text from user_counter"),
        "0"
    );
    place.run(&["recount", "--dry-run"]).expect_code(0);
}

#[test]
fn an_account_is_made_with_a_password_from_standard_input_and_can_sign_in() {
    let place = place();
    let create = |username: &str, password: &str| {
        let email = format!("{username}@example.com");
        let args = [
            "user",
            "create",
            "--username",
            username,
            "--email",
            &email,
            "--role",
            "moderator",
            "--password-stdin",
            "--json",
        ];
        place.run_with_input(&args, &format!("{password}\n"))
    };
    let made = create("dana", "correct horse battery staple")
        .expect_code(0)
        .json();
    assert_eq!(
        (&made["username"], &made["role"]),
        (&"dana".into(), &"moderator".into())
    );
    let said = create("dana", "correct horse battery staple").expect_code(1);
    assert_eq!(
        said.stderr.matches("username is taken").count(),
        1,
        "{}",
        said.stderr
    );
    create("emil", "password1").expect_code(2);
    create("no name", "correct horse battery staple").expect_code(2);
    let serving = place.serve();
    let status = |password: &str| {
        serving.post(
            "/v1/auth/login",
            &format!(r#"{{"login":"dana","password":"{password}"}}"#),
        )
    };
    assert_eq!(status("correct horse battery staple"), 200);
    assert_eq!(status("another password entirely"), 401);
}

#[test]
fn without_a_terminal_a_password_is_not_asked_for() {
    let args = [
        "user",
        "create",
        "--username",
        "dana",
        "--email",
        "dana@example.com",
    ];
    let ran = place().run(&args).expect_code(2);
    assert!(ran.stderr.contains("--password-stdin"), "{}", ran.stderr);
}

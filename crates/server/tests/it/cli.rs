//! Configuration, tokens, exit codes.

use livekit_api::access_token::TokenVerifier;

use crate::harness::{file, run, surecast};

fn config_print(toml: &str, env: &[(&str, &str)], args: &[&str]) -> (i32, String, String) {
    let (_dir, path) = file("surecast.toml", toml);
    let output = surecast()
        .args(["config", "print", "--config"])
        .arg(&path)
        .args(args)
        .envs(env.iter().copied())
        .output()
        .unwrap();
    let text = |bytes: &[u8]| {
        String::from_utf8_lossy(bytes).replace(path.to_str().unwrap(), "surecast.toml")
    };
    (
        output.status.code().unwrap(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

/// `toml` plus a key, so that only what the test is about is wrong.
fn refused(toml: &str, env: &[(&str, &str)]) -> String {
    let (code, out, error) = config_print(&format!("{toml}\n[keys]\nk = \"s\"\n"), env, &[]);
    assert_eq!((code, out.as_str()), (2, ""), "{error}");
    error.trim().to_owned()
}

#[test]
fn unknown_keys_are_refused_with_line_and_nearest_key() {
    let error = refused("data_dir = 'd'\n\n[htp]\nlisten = '0.0.0.0:80'", &[]);
    assert_eq!(
        error,
        "surecast: unknown key `htp` at surecast.toml:3, did you mean `http`?"
    );
    let error = refused("[http]\n# a comment\nlisen = '0.0.0.0:80'", &[]);
    assert_eq!(
        error,
        "surecast: unknown key `http.lisen` at surecast.toml:3, did you mean `http.listen`?"
    );
    let error = refused("[log]\nqwertyuiop = 1", &[]);
    assert!(
        error.ends_with("known here: log.level, log.format"),
        "{error}"
    );
    let error = refused("", &[("SURECAST_HTTP__LISTN", "x")]);
    assert_eq!(
        error,
        "surecast: unknown key `http.listn` in environment variable SURECAST_HTTP__LISTN, did you mean `http.listen`?"
    );
}

#[test]
fn wrong_values_are_refused_with_their_place() {
    for (toml, says) in [
        (
            "[http]\ncors = 'yes'",
            "surecast.toml:2: `http.cors`: invalid type: string \"yes\", expected a boolean",
        ),
        (
            "[http]\nlisten = '0.0.0.0'",
            "surecast.toml:2: `http.listen`: invalid socket address syntax",
        ),
        (
            "[room]\n\nempty_timeout = '5 weeks'",
            "surecast.toml:3: `room.empty_timeout`: `5 weeks` is not a length",
        ),
        ("[http\nlisten = 1", "surecast.toml:1: "),
        (
            "[tls]\ncert = 'a.pem'",
            "`tls.cert` at surecast.toml:2: `tls.key`, the certificate's private key, is missing",
        ),
        (
            "[webhook]\nurls = ['ftp://x/']",
            "`webhook.urls` at surecast.toml:2: `ftp://x/` is not an http",
        ),
        (
            "[webhook]\nurls = ['http://a/', 'http://a/']",
            "`webhook.urls` at surecast.toml:2: a receiver is listed twice",
        ),
        (
            "[webhook]\napi_key = 'other'",
            "`webhook.api_key` at surecast.toml:2: `other` is not among `keys`",
        ),
        (
            "[log]\nlevel = 'a=b=c'",
            "`log.level` at surecast.toml:2: `a=b=c`: ",
        ),
        (
            "[rtc]\nudp_port = 65535\nshards = 4",
            "`rtc.udp_port` at surecast.toml:2: 65535 leaves no room",
        ),
        (
            "[rtmp]\ntls_listen = '0.0.0.0:1936'",
            "`rtmp.tls_listen` at surecast.toml:2: needs a certificate",
        ),
        (
            "[rtc]\nadvertise = ['0.0.0.0']",
            "`rtc.advertise` at surecast.toml:2: 0.0.0.0 is no address",
        ),
    ] {
        let error = refused(toml, &[]);
        assert!(
            error.contains(says),
            "{toml}\n  gave {error}\n  not  {says}"
        );
    }
    let error = refused("", &[("SURECAST_RTC__UDP_PORT", "many")]);
    assert!(
        error
            .contains("environment variable SURECAST_RTC__UDP_PORT (`rtc.udp_port`): invalid type"),
        "{error}"
    );
    let error = refused("", &[("SURECAST_LOG__LEVEL", "a=b=c")]);
    assert!(
        error.contains("`log.level` (environment variable SURECAST_LOG__LEVEL): "),
        "{error}"
    );
}

#[test]
fn later_sources_win() {
    let toml = "[http]\nlisten = '0.0.0.0:1000'\ncors = false\n[keys]\nfile = 's1'";
    let env = [
        ("SURECAST_HTTP__LISTEN", "127.0.0.1:2000"),
        ("SURECAST_KEYS__MyKey", "s2"),
        ("SURECAST_WEBHOOK__URLS", "http://a/, http://b/"),
        ("SURECAST_WEBHOOK__API_KEY", "MyKey"),
        ("SURECAST_ROOM__EMPTY_TIMEOUT", "90"),
        ("SURECAST_DATA_DIR", "elsewhere"),
        // Container platforms set these for a service called surecast.
        ("SURECAST_PORT", "tcp://10.0.0.1:7880"),
        ("SURECAST_SERVICE_HOST", "10.0.0.1"),
    ];
    let (code, out, error) = config_print(toml, &env, &["--port-offset", "10"]);
    assert_eq!(code, 0, "{error}");
    for line in [
        "listen = \"127.0.0.1:2010\"",
        "cors = false",
        "udp_port = 7892",
        "tcp_port = 7891",
        "urls = [\"http://a/\", \"http://b/\"]",
        "empty_timeout = \"90s\"",
        "data_dir = \"elsewhere\"",
        "MyKey = \"(hidden; --show-secrets prints it)\"",
        "file = \"(hidden; --show-secrets prints it)\"",
    ] {
        assert!(out.lines().any(|l| l == line), "{line}\n{out}");
    }
    assert!(!out.contains("s1") && !out.contains("s2"), "{out}");
    let (_, out, _) = config_print(toml, &env, &["--http", "127.0.0.1:3000"]);
    assert!(out.contains("listen = \"127.0.0.1:3000\""), "{out}");
}

#[test]
fn what_is_printed_can_be_read_again() {
    let toml = "[keys]\n'odd key' = 'x\"y'\n[rtc]\nadvertise = ['203.0.113.7']";
    let (_, printed, _) = config_print(toml, &[], &["--show-secrets"]);
    let (code, again, error) = config_print(&printed, &[], &["--show-secrets"]);
    assert_eq!(code, 0, "{error}");
    assert_eq!(printed, again);
    assert!(printed.contains("\"odd key\" = 'x\"y'"), "{printed}");
}

#[test]
fn without_keys_there_is_advice() {
    let output = run(&["serve", "--http", "127.0.0.1:0"]);
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        error.contains("openssl rand -hex 32")
            && error.contains("SURECAST_KEYS__")
            && error.contains("--dev"),
        "{error}"
    );
}

#[test]
fn the_development_key_stands_beside_others() {
    let toml = "[keys]\nmine = 's'\n[webhook]\nurls = ['http://a/']";
    let (code, out, error) = config_print(toml, &[], &["--dev", "--show-secrets"]);
    assert_eq!(code, 0, "{error}");
    assert!(out.contains("devkey = \"secret\"\nmine = \"s\""), "{out}");
    let two = "[keys]\nmine = 's'\nyours = 't'\n[webhook]\nurls = ['http://a/']";
    let (code, _, error) = config_print(two, &[], &[]);
    assert!(
        code == 2 && error.contains("set `webhook.api_key`"),
        "{error}"
    );
}

#[test]
fn wrong_calls_end_with_2() {
    for args in [
        &["serve", "--nonsense"][..],
        &[],
        &["serve", "--http", "nowhere"],
        &["config", "check", "--config", "/nonexistent.toml"],
        &["token", "create", "--dev"],
        &["token", "create", "--dev", "--identity", "a"],
        &["token", "create", "--dev", "--room", "r"],
        &[
            "token",
            "create",
            "--dev",
            "--identity",
            "a",
            "--room",
            "r",
            "--ttl",
            "soon",
        ],
        &[
            "token",
            "create",
            "--dev",
            "--identity",
            "a",
            "--room",
            "r",
            "--ttl",
            "0s",
        ],
        &[
            "token",
            "create",
            "--dev",
            "--identity",
            "a",
            "--room",
            "r",
            "--api-key",
            "unknown",
        ],
        &["token", "create", "--identity", "a", "--room", "r"],
    ] {
        let output = run(args);
        assert_eq!(
            output.status.code(),
            Some(2),
            "{args:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        assert!(
            !output.stderr.is_empty() && output.stdout.is_empty(),
            "{args:?}"
        );
    }
    assert_eq!(run(&["config", "check", "--dev"]).status.code(), Some(0));
}

#[test]
fn tokens_are_accepted_by_livekits_verifier() {
    let output = run(&[
        "token",
        "create",
        "--dev",
        "--identity",
        "anna",
        "--room",
        "r1",
        "--name",
        "Anna A",
        "--can-publish=false",
        "--can-publish-data",
        "--hidden",
        "--metadata",
        "m",
        "--attribute",
        "k=v=w",
        "--ttl",
        "5m",
        "--room-admin",
    ]);
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let jwt = String::from_utf8(output.stdout).unwrap();
    let verifier = TokenVerifier::with_api_key("devkey", "secret");
    let claims = verifier.verify(jwt.trim()).unwrap();
    assert_eq!(
        (
            claims.iss.as_str(),
            claims.sub.as_str(),
            claims.name.as_str()
        ),
        ("devkey", "anna", "Anna A")
    );
    assert_eq!(
        (claims.metadata.as_str(), claims.attributes["k"].as_str()),
        ("m", "v=w")
    );
    let video = &claims.video;
    assert!(video.room_join && video.room_admin && video.hidden);
    assert_eq!(
        (
            video.can_publish,
            video.can_publish_data,
            video.can_subscribe
        ),
        (Some(false), Some(true), None)
    );
    let life = i64::try_from(claims.exp).unwrap() - crate::harness::now().unix_secs();
    assert!((290..=300).contains(&life), "{life}");
    assert!(
        TokenVerifier::with_api_key("devkey", "other")
            .verify(jwt.trim())
            .is_err()
    );
}

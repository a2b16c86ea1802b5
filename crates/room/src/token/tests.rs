use std::time::Instant;

use proptest::prelude::*;

use super::*;
use crate::proto;

fn now() -> Now {
    #[allow(clippy::disallowed_methods)]
    Now {
        at: Instant::now(),
        unix_ms: 1_700_000_000_000,
    }
}

fn secret(key: &str) -> Option<String> {
    (key == "devkey").then(|| "secret".to_owned())
}

fn grants() -> Grants {
    Grants {
        identity: "alice".to_owned(),
        name: "Alice".to_owned(),
        video: Some(VideoGrant {
            room_join: true,
            room: "r".to_owned(),
            ..VideoGrant::default()
        }),
        ..Grants::default()
    }
}

fn token_of(header: &str, claims: &str) -> String {
    let signed = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header),
        URL_SAFE_NO_PAD.encode(claims)
    );
    let key = hmac::Key::new(hmac::HMAC_SHA256, b"secret");
    let tag = hmac::sign(&key, signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag))
}

const HS256: &str = r#"{"alg":"HS256","typ":"JWT"}"#;

#[test]
fn a_signed_token_comes_back() {
    let jwt = sign(
        "devkey",
        "secret",
        &grants(),
        Duration::from_secs(60),
        now(),
    );
    let got = verify(&jwt, secret, now()).unwrap();
    assert_eq!(got.identity, "alice");
    assert_eq!(got.issuer, "devkey");
    assert_eq!(got.video, grants().video);
    assert_eq!(got.expires_at, Some(1_700_000_060));
}

#[test]
fn a_token_of_another_maker_is_understood() {
    let claims = r#"{"iss":"devkey","jti":"bob","exp":1700000100.5,"nbf":0,"iat":1,"aud":["x"],
        "video":{"roomJoin":true,"canPublish":false,"canPublishSources":["camera","screen_share"],
        "somethingNew":1},"roomConfig":{"emptyTimeout":7,"maxParticipants":2,"metadata":"m"},
        "attributes":{"a":"b"},"kind":"agent"}"#;
    let got = verify(&token_of(HS256, claims), secret, now()).unwrap();
    assert_eq!(got.identity, "bob");
    assert_eq!(got.participant_kind(), proto::participant_info::Kind::Agent);
    let permission = got.video.unwrap().to_permission();
    assert!(!permission.can_publish && !permission.can_publish_data && permission.can_subscribe);
    assert_eq!(permission.can_publish_sources, [1, 3]);
    assert_eq!(got.room_config.unwrap().empty_timeout, 7);
}

#[test]
fn refusals() {
    let claims = r#"{"iss":"devkey","sub":"a","exp":1700000100}"#;
    let check = |header: &str, claims: &str, want: TokenError| {
        assert_eq!(verify(&token_of(header, claims), secret, now()), Err(want));
    };
    for alg in ["none", "None", "RS256", "HS512", ""] {
        let header = format!(r#"{{"alg":"{alg}","typ":"JWT"}}"#);
        check(&header, claims, TokenError::Algorithm(alg.to_owned()));
    }
    let at = |exp: i64, nbf: i64| format!(r#"{{"iss":"devkey","exp":{exp},"nbf":{nbf}}}"#);
    check(HS256, &at(1_699_999_900, 0), TokenError::Expired(100));
    check(
        HS256,
        &at(1_700_000_100, 1_700_000_061),
        TokenError::NotYet(61),
    );
    assert!(
        verify(
            &token_of(HS256, &at(1_699_999_940, 1_700_000_060)),
            secret,
            now()
        )
        .is_ok()
    );
    check(HS256, r#"{"iss":"devkey"}"#, TokenError::NoExpiry);
    check(
        HS256,
        r#"{"iss":"other","exp":1700000100}"#,
        TokenError::UnknownKey("other".to_owned()),
    );

    let mut unsigned = token_of(HS256, claims);
    unsigned.truncate(unsigned.rfind('.').unwrap() + 1);
    assert_eq!(verify(&unsigned, secret, now()), Err(TokenError::Signature));
    for bad in ["", "a", "a.b", "a.b.c", "a.b.c.d", "..."] {
        assert!(verify(bad, secret, now()).is_err());
    }
    // A key without a secret must not verify with the empty secret.
    let jwt = sign("k", "", &grants(), Duration::from_secs(60), now());
    assert!(verify(&jwt, |_| Some(String::new()), now()).is_err());
}

#[test]
fn a_role_of_the_guarantee_travels_beside_livekits_claims() {
    let grants = Grants {
        guarantee: Some(GuaranteeGrant {
            role: "customer".to_owned(),
            contracts: vec!["acme".to_owned()],
        }),
        ..grants()
    };
    let jwt = sign("devkey", "secret", &grants, Duration::from_secs(60), now());
    let claims = URL_SAFE_NO_PAD.decode(jwt.split('.').nth(1).unwrap());
    let claims: serde_json::Value = serde_json::from_slice(&claims.unwrap()).unwrap();
    let expected = serde_json::json!({"role": "customer", "contracts": ["acme"]});
    assert_eq!(claims["guarantee"], expected);
    let got = verify(&jwt, secret, now()).unwrap();
    assert_eq!(got.guarantee, grants.guarantee);
    assert_eq!(got.video, grants.video);
}

#[test]
fn a_permission_survives_the_round_trip() {
    let mut grant = VideoGrant::default();
    let permission = proto::ParticipantPermission {
        can_subscribe: true,
        can_publish_sources: vec![1, 2],
        can_update_metadata: true,
        ..Default::default()
    };
    grant.set_permission(&permission);
    assert_eq!(grant.to_permission(), permission);
}

proptest! {
    #[test]
    fn verify_never_panics(text in ".{0,200}") {
        let _ = verify(&text, secret, now());
    }

    #[test]
    fn any_change_breaks_the_token(at in 0usize..1000, with in "[A-Za-z0-9_-]") {
        let jwt = sign("devkey", "secret", &grants(), Duration::from_secs(60), now());
        let at = at % jwt.len();
        let mut changed = jwt.clone();
        changed.replace_range(at..=at, &with);
        // The last character of a base64 part may carry unused bits only; the
        // decoder refuses those, so every change is seen.
        prop_assume!(changed != jwt);
        prop_assert!(verify(&changed, secret, now()).is_err());
    }

    #[test]
    fn another_secret_is_refused(other in "[a-z]{1,32}") {
        prop_assume!(other != "secret");
        let jwt = sign("devkey", &other, &grants(), Duration::from_secs(60), now());
        prop_assert_eq!(verify(&jwt, secret, now()), Err(TokenError::Signature));
    }
}

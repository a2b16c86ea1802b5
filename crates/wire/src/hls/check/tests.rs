use super::*;

const HEAD: &str = "#EXTM3U\n#EXT-X-VERSION:9\n#EXT-X-TARGETDURATION:2\n\
#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=0.6,HOLD-BACK=6.0,CAN-SKIP-UNTIL=12.0\n\
#EXT-X-PART-INF:PART-TARGET=0.2\n#EXT-X-MEDIA-SEQUENCE:7\n#EXT-X-MAP:URI=\"i.mp4\"\n";

fn check(playlists: &[(PlaylistRequest, &str)]) -> Vec<String> {
    let mut checker = Checker::default();
    for (request, rest) in playlists {
        checker.playlist(*request, &format!("{HEAD}{rest}"));
    }
    checker.finish()
}

const WHOLE: PlaylistRequest = PlaylistRequest {
    msn: None,
    part: None,
    skip: false,
};

#[test]
fn what_is_right_is_not_found_wrong() {
    let one = "#EXT-X-PROGRAM-DATE-TIME:2026-11-25T09:00:00.000Z\n#EXTINF:2.0,\n7.m4s\n";
    assert_eq!(check(&[(WHOLE, one)]), Vec::<String>::new());
}

#[test]
fn what_is_wrong_is_found() {
    let date = "#EXT-X-PROGRAM-DATE-TIME:2026-11-25T09:00:00.000Z\n";
    let part =
        |seconds: &str, name: &str| format!("#EXT-X-PART:DURATION={seconds},URI=\"{name}\"\n");
    let cases = [
        (
            format!("{date}#EXTINF:2.6,\n7.m4s\n"),
            "longer than the target",
        ),
        (
            format!("{date}{}", part("0.3", "7.0")),
            "longer than the part target",
        ),
        (
            format!("{date}{}{}", part("0.1", "7.0"), part("0.2", "7.1")),
            "shorter than 85 %",
        ),
        (
            format!("{date}#EXTINF:2,\n7.m4s\n{date}#EXTINF:2,\n8.m4s\n"),
            "after the end of the one before",
        ),
        (
            format!("{date}{}#EXTINF:2,\n7.m4s\n", part("0.2", "7.0")),
            "its parts 0.2",
        ),
    ];
    for (text, words) in cases {
        let faults = check(&[(WHOLE, &text)]);
        assert!(
            faults.iter().any(|it| it.contains(words)),
            "{words}: {faults:?}"
        );
    }
}

#[test]
fn early_answers_and_broken_hints_are_found() {
    let date = "#EXT-X-PROGRAM-DATE-TIME:2026-11-25T09:00:00.000Z\n";
    let one = format!("{date}#EXT-X-PART:DURATION=0.2,URI=\"7.0\"\n");
    let hint = format!("{one}#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"7.1\"\n");
    let request = PlaylistRequest {
        msn: Some(7),
        part: Some(1),
        skip: false,
    };
    let faults = check(&[(request, &one)]);
    assert!(
        faults[0].contains("answered before 7 part Some(1)"),
        "{faults:?}"
    );
    let other = format!("{one}#EXT-X-PART:DURATION=0.2,URI=\"7.x\"\n");
    let faults = check(&[(WHOLE, &hint), (WHOLE, &other)]);
    assert!(
        faults[0].contains("7.1 was hinted and never came"),
        "{faults:?}"
    );
}

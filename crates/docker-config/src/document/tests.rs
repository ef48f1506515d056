use proptest::prelude::*;
use regcred_api::docker_config::{self, BadEntries};
use secrecy::ExposeSecret as _;

use super::*;

fn shown(secret: &SecretString) -> &str {
    secret.expose_secret()
}

fn set(document: &mut Document, host: &str, login: (&str, &str, &str), form: EntryForm) {
    let login = EntryLogin {
        username: login.0,
        password: &login.1.into(),
        email: login.2,
    };
    document.set(host, &login, form);
}

fn json(text: &str) -> Document {
    Document::parse(text, Format::ConfigJson).expect("sound")
}

fn helpers(text: &str) -> (Document, Vec<(String, String)>) {
    let mut document = json(text);
    let hosts = ["a.io".to_owned(), "b.io".to_owned()];
    let changes = document.set_helper(&hosts, "fake").expect("an object");
    let replaced = changes.into_iter();
    let replaced = replaced.filter_map(|change| Some((change.host, change.before?)));
    (document, replaced.collect())
}

#[test]
fn a_removed_helper_leaves_the_text_that_was_there_before_it() {
    for before in [
        "{\n\t\"auths\": {}\n}\n",
        "{\n\t\"credHelpers\": {\n\t\t\"z.io\": \"other\"\n\t}\n}\n",
    ] {
        let (set, _) = helpers(before);
        let mut undone = json(shown(&set.pretty()));
        let changes = undone.remove_helper(&[], "fake").expect("an object");
        let hosts: Vec<_> = changes.iter().map(|one| one.host.as_str()).collect();
        assert_eq!(hosts, ["a.io", "b.io"]);
        assert_eq!(shown(&undone.pretty()), before);
    }
    let (set, _) = helpers("");
    let mut document = json(shown(&set.pretty()));
    let one = ["b.io".to_owned(), "z.io".to_owned()];
    assert_eq!(document.remove_helper(&one, "fake").expect("ok").len(), 1);
    assert_eq!(document.remove_helper(&[], "other").expect("ok"), []);
    assert!(shown(&document.pretty()).contains("a.io"));
}

#[test]
fn entries_are_those_that_kubectl_writes() {
    let mut document = Document::empty(Format::ConfigJson);
    set(&mut document, "a.io", ("AWS", "p\"w&", ""), EntryForm::Full);
    set(
        &mut document,
        "b.io",
        ("u", "p", "me@b.io"),
        EntryForm::Full,
    );
    set(&mut document, "c.io", ("u", "p", "x"), EntryForm::AuthOnly);
    assert_eq!(
        shown(&document.compact()),
        r#"{"auths":{"a.io":{"username":"AWS","password":"p\"w\u0026","auth":"QVdTOnAidyY="},"b.io":{"username":"u","password":"p","email":"me@b.io","auth":"dTpw"},"c.io":{"auth":"dTpw"}}}"#
    );
    let mut old = Document::empty(Format::Dockercfg);
    set(&mut old, "a.io", ("u", "p", ""), EntryForm::AuthOnly);
    assert_eq!(shown(&old.compact()), r#"{"a.io":{"auth":"dTpw"}}"#);
    let empty = Document::empty(Format::ConfigJson);
    assert_eq!(shown(&empty.compact()), r#"{"auths":{}}"#);
}

#[test]
fn what_is_written_is_read_again() {
    let mut document = Document::empty(Format::ConfigJson);
    let login = ("u", "p\"\\:\u{1}ü", "me@a.io");
    set(&mut document, "a.io", login, EntryForm::Full);
    let text = document.pretty();
    let read = docker_config::parse(
        text.expose_secret().as_bytes(),
        Format::ConfigJson,
        BadEntries::RejectFile,
    )
    .expect("sound");
    let entry = &read.entries[0];
    let password = entry.password.expose_secret();
    assert_eq!((&*entry.username, password, &*entry.email), login);
}

#[test]
fn what_is_not_ours_stays_as_it_was_written() {
    let before = "{\n\t\"zeta\": 1.50e3,\n\t\"auths\": {\n\t\t\"x.io\": {\"auth\": \"eA==\",  \
                  \"z\":0}\n\t},\n\t\"credHelpers\": {}\n}\n";
    let mut document = json(before);
    assert!(!document.is_changed());
    set(&mut document, "a.io", ("u", "p", ""), EntryForm::AuthOnly);
    let expected = before.replace("\"z\":0}", "\"z\":0},\n\t\t\"a.io\": {\"auth\":\"dTpw\"}");
    assert_eq!(shown(&document.pretty()), expected);
    assert!(document.is_changed());
    assert!(document.remove("a.io") && !document.remove("a.io"));
    assert_eq!(shown(&document.pretty()), before);
}

#[test]
fn an_equal_entry_is_not_a_change() {
    let text = "{\"auths\":  {\"a.io\":{\"auth\":\"dTpw\"}}}";
    let mut document = json(text);
    set(&mut document, "a.io", ("u", "p", ""), EntryForm::AuthOnly);
    document.remove("b.io");
    assert!(!document.is_changed());
    assert_eq!(
        shown(&document.compact()),
        "{\"auths\":{\"a.io\":{\"auth\":\"dTpw\"}}}"
    );
    set(&mut document, "a.io", ("u", "q", ""), EntryForm::AuthOnly);
    assert!(document.is_changed());
}

#[test]
fn helpers_are_named_and_entries_are_not_touched() {
    let (document, replaced) = helpers("");
    let expected =
        "{\n\t\"credHelpers\": {\n\t\t\"a.io\": \"fake\",\n\t\t\"b.io\": \"fake\"\n\t}\n}\n";
    assert_eq!(shown(&document.pretty()), expected);
    assert!(replaced.is_empty() && document.is_changed());
    let (again, replaced) = helpers(expected);
    assert!(replaced.is_empty() && !again.is_changed());
    let text = "{\n\t\"zeta\": 1.50e3,\n\t\"auths\": {\n\t\t\"h\": {\"auth\": \"eA==\"},\"h\":7 },\n\t\
                \"credHelpers\": {\n\t\t\"z.io\": \"other\",\n\t\t\"a.io\": \"o\\u006cd\"\n\t},\n\t\
                \"alpha\": 12345678901234567890123\n}\n";
    let (document, replaced) = helpers(text);
    let expected = text.replace(
        "\"a.io\": \"o\\u006cd\"",
        "\"a.io\": \"fake\",\n\t\t\"b.io\": \"fake\"",
    );
    assert_eq!(shown(&document.pretty()), expected);
    assert_eq!(replaced, [("a.io".to_owned(), "old".to_owned())]);
}

#[test]
fn an_entry_can_be_kept_from_another_document() {
    let old = json(r#"{"auths":{"a.io":{"auth":"dead"},"a.io":{"auth":"eA==" }}}"#);
    let mut new = Document::empty(Format::ConfigJson);
    new.keep("a.io", &old);
    new.keep("b.io", &old);
    assert_eq!(
        shown(&new.compact()),
        r#"{"auths":{"a.io":{"auth":"eA==" }}}"#
    );
    assert_eq!(new.hosts().collect::<Vec<_>>(), ["a.io"]);
}

#[test]
fn null_counts_as_absent() {
    let (document, _) = helpers(r#"{"credHelpers":null,"auths":null}"#);
    assert_eq!(
        shown(&document.compact()),
        r#"{"credHelpers":{
		"a.io": "fake",
		"b.io": "fake"
	},"auths":null}"#
    );
}

#[test]
fn broken_texts_are_refused_without_being_repeated() {
    for (broken, why) in [
        ("[1]", "not a JSON object (line 1, column 0)"),
        ("canary", "not a JSON object (line 1, column 1)"),
        (
            "{\"auth\":\"canary",
            "not a JSON object (line 1, column 15)",
        ),
        ("{\"auths\":\"canary\"}", "its auths is not a JSON object"),
        ("{\"auths\":[\"canary\"]}", "its auths is not a JSON object"),
    ] {
        let Err(error) = Document::parse(broken, Format::ConfigJson) else {
            panic!("{broken} was taken");
        };
        let expected = format!("it is not a docker configuration: {why}");
        assert_eq!(error.to_string(), expected, "{broken}");
    }
    let mut document = json(r#"{"credHelpers":["canary"]}"#);
    let error = document.set_helper(&[], "x").expect_err("a list");
    assert_eq!(
        error.to_string(),
        "it is not a docker configuration: its credHelpers is not a JSON object"
    );
}

#[test]
fn empty_members_are_left_out_as_by_kubectl() {
    let mut document = Document::empty(Format::ConfigJson);
    set(&mut document, "h", ("u", "p<", ""), EntryForm::Full);
    set(&mut document, "i", ("", "", ""), EntryForm::Full);
    assert_eq!(
        shown(&document.compact()),
        r#"{"auths":{"h":{"username":"u","password":"p\u003c","auth":"dTpwPA=="},"i":{"auth":"Og=="}}}"#
    );
}

proptest! {
    #[test]
    fn any_login_reads_back(
        server in "\\PC{1,20}", username in "[^:]{0,20}", password in "\\PC{0,20}",
    ) {
        let mut document = Document::empty(Format::ConfigJson);
        set(&mut document, &server, (&username, &password, ""), EntryForm::Full);
        let text = document.compact();
        let bytes = text.expose_secret().as_bytes();
        let config = docker_config::parse(bytes, Format::ConfigJson, BadEntries::RejectFile);
        let [entry] = &config.expect("sound").entries[..] else {
            panic!("one entry");
        };
        let read = (&*entry.server, &*entry.username, entry.password.expose_secret());
        prop_assert_eq!(read, (&*server, &*username, &*password));
    }
}

#[test]
fn the_helpers_of_hosts_and_the_one_of_all_others_are_listed() {
    let read = |text| Document::parse(text, Format::ConfigJson).expect("a configuration");
    let document = read(r#"{"credHelpers":{"a.io":"x","b.io":"","c.io":1},"credsStore":"y"}"#);
    let expected = [("a.io".to_owned(), "x".to_owned())];
    assert_eq!(document.helpers().expect("an object"), expected);
    assert_eq!(document.store().as_deref(), Some("y"));
    let document = read(r#"{"credsStore":""}"#);
    assert_eq!(document.helpers().expect("none"), []);
    assert_eq!(document.store(), None);
    assert!(read(r#"{"credHelpers":[]}"#).helpers().is_err());
}

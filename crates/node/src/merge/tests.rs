use super::*;

const ENTRIES: &str = r#"{"apiVersion":"kubelet.config.k8s.io/v1","kind":"CredentialProviderConfig","providers":[
{"name":"gcr-credential-provider","matchImages":["*.pkg.dev","gcr.io"],"defaultCacheDuration":"1h",
 "apiVersion":"credentialprovider.kubelet.k8s.io/v1","args":["-v","2"],"env":[{"name":"A","value":"b: \"c\""}],
 "tokenAttributes":{"serviceAccountTokenAudience":"aud","cacheType":"Token","requireServiceAccount":true}}]}"#;

const YAML: &str = "- name: gcr-credential-provider
  matchImages:
  - \"*.pkg.dev\"
  - gcr.io
  defaultCacheDuration: 1h
";

fn merge(text: &str) -> Result<String, String> {
    let entries = Entries::of(ENTRIES.as_bytes()).expect("sound");
    let merged = merged(Path::new("/c"), text, &entries).map_err(|error| error.to_string())?;
    Ok(String::from_utf8(merged).expect("text"))
}

fn entry(indent: &str) -> String {
    let item = "- name: ecr\n  matchImages: [e.io] # theirs\n  defaultCacheDuration: 12h\n  \
                apiVersion: credentialprovider.kubelet.k8s.io/v1\n";
    item.lines()
        .map(|line| format!("{indent}{line}\n"))
        .collect()
}

#[test]
fn entries_go_to_the_end_of_a_yaml_list_and_nothing_else_changes() {
    for indent in ["", "  ", "    "] {
        for (before, after) in [
            (
                "apiVersion: kubelet.config.k8s.io/v1\nkind: CredentialProviderConfig\nproviders:\n",
                "",
            ),
            (
                "# c\napiVersion: kubelet.config.k8s.io/v1\nproviders: # list\n# d\n\n",
                "\n# end\nkind: CredentialProviderConfig\n",
            ),
        ] {
            let text = format!("{before}{}{after}", entry(indent));
            let merged = merge(&text).expect(&text);
            let new = merged.strip_prefix(&format!("{before}{}", entry(indent)));
            let new = new
                .and_then(|rest| rest.strip_suffix(after))
                .expect("only an insertion");
            let lines: Vec<_> = new
                .lines()
                .map(|line| line.strip_prefix(indent).expect("indented"))
                .collect();
            assert!((lines.join("\n") + "\n").starts_with(YAML), "{new}");
        }
    }
}

#[test]
fn entries_go_to_the_end_of_a_json_list_in_its_layout() {
    let one = r#"{"kind":"CredentialProviderConfig","apiVersion":"kubelet.config.k8s.io/v1","providers":[{"name":"ecr","matchImages":["e.io"],"defaultCacheDuration":"12h","apiVersion":"credentialprovider.kubelet.k8s.io/v1"}]}"#;
    let merged = merge(one).expect("one line");
    assert!(
        !merged.contains('\n') && merged.ends_with("}}]}"),
        "{merged}"
    );
    let pretty = "{\n  \"apiVersion\": \"kubelet.config.k8s.io/v1\",\n  \"kind\": \"CredentialProviderConfig\",\n  \
                  \"providers\": [\n    {\n      \"name\": \"ecr\",\n      \"matchImages\": [\"]\\\"\", \"e.io\"],\n      \
                  \"defaultCacheDuration\": \"12h\",\n      \"apiVersion\": \
                  \"credentialprovider.kubelet.k8s.io/v1\"\n    }\n  ]\n}\n";
    let merged = merge(&pretty.replace("\"]\\\"\", ", "")).expect("several lines");
    assert!(
        merged.contains("    },\n    {\n      \"name\": \"gcr-credential-provider\",\n"),
        "{merged}"
    );
    assert!(merged.ends_with("    }\n  ]\n}\n"), "{merged}");
}

#[test]
fn a_form_that_is_not_edited_is_refused_with_its_line() {
    let head = "apiVersion: kubelet.config.k8s.io/v1\nkind: CredentialProviderConfig\n";
    let flow = "providers: [{name: e, matchImages: [e.io], defaultCacheDuration: 1h, \
                apiVersion: credentialprovider.kubelet.k8s.io/v1}]\n";
    let why = merge(&format!("{head}{flow}")).expect_err("flow");
    assert!(
        why.starts_with("/c:3: its list of providers is neither"),
        "{why}"
    );
    assert!(
        why.contains("add gcr-credential-provider to it by hand"),
        "{why}"
    );
    let twice = format!("{head}providers:\n{}---\nkind: x\n", entry(""));
    assert!(
        merge(&twice)
            .expect_err("two")
            .contains("several YAML documents")
    );
    let unknown = format!("{head}providers:\n{}  extra: 1\n", entry(""));
    let why = merge(&unknown).expect_err("unknown");
    assert!(
        why.contains("unknown field \"providers[0].extra\""),
        "{why}"
    );
    let old = format!("{head}providers:\n{}", entry("")).replace("io/v1\nkind", "io/v1beta1\nkind");
    let why = merge(&old).expect_err("no token mode");
    assert!(
        why.contains("with the new entries a kubelet does not read it"),
        "{why}"
    );
}

use super::*;

fn names(text: &str) -> Vec<String> {
    let found = of_text(text.as_bytes()).expect(text);
    found.into_iter().map(|image| image.written).collect()
}

#[test]
fn a_list_has_a_name_on_each_line() {
    let kubeadm = "registry.k8s.io/kube-apiserver:v1.36.2\nregistry.k8s.io/pause:3.10.1\n";
    assert_eq!(
        names(kubeadm),
        [
            "registry.k8s.io/kube-apiserver:v1.36.2",
            "registry.k8s.io/pause:3.10.1"
        ]
    );
    let k3s = "\u{feff}docker.io/rancher/klipper-helm:v0.9.8\r\n\r\n# mirrored\n\
               docker.io/rancher/mirrored-pause:3.6  linux/amd64 \n";
    assert_eq!(
        names(k3s),
        [
            "docker.io/rancher/klipper-helm:v0.9.8",
            "docker.io/rancher/mirrored-pause:3.6"
        ]
    );
}

#[test]
fn a_name_that_is_not_an_images_is_refused_with_its_line() {
    let error = of_text(b"a:1\n\nhttps://h.io/a\n").expect_err("a URL");
    assert!(error.starts_with("line 3: "), "{error}");
    assert!(of_text(b"---\nspec: {containers: [{image: 'A B'}]}").is_err());
    assert!(of_text(b"---\na: [").is_err());
    assert!(of_text(&[0xff]).is_err());
}

#[test]
fn a_manifest_has_the_images_of_all_containers_and_volumes() {
    let text = "apiVersion: batch/v1\nkind: CronJob\nspec:\n  jobTemplate:\n    spec:\n      template:\n        \
                spec:\n          initContainers:\n          - {name: i, image: h.io/init:1}\n          containers:\n          \
                - {name: a, image: 'h.io/app:1'}\n          - {name: none}\n          volumes:\n          \
                - {name: v, image: {reference: h.io/model:1, pullPolicy: IfNotPresent}}\n          \
                - {name: c, configMap: {name: image}}\n---\n\
                apiVersion: v1\nkind: List\nitems:\n- kind: Pod\n  spec:\n    ephemeralContainers:\n    \
                - {name: d, image: h.io/debug:1}\n  status:\n    containerStatuses:\n    - {image: h.io/status:1}\n---\n\
                apiVersion: v1\nkind: ConfigMap\ndata:\n  pod: |\n    spec: {containers: [{image: h.io/text:1}]}\n";
    assert_eq!(
        names(text),
        ["h.io/init:1", "h.io/app:1", "h.io/model:1", "h.io/debug:1"]
    );
    let json = r#"{"kind": "Pod", "spec": {"containers": [{"image": "h.io/json:1"}]}}"#;
    assert_eq!(names(json), ["h.io/json:1"]);
}

#[test]
fn an_image_with_two_names_is_listed_once() {
    let written = ["nginx", "docker.io/library/nginx:latest", "nginx:1"].map(str::to_owned);
    let found = images(&written, &[]).expect("names");
    let found: Vec<_> = found.iter().map(Listed::in_store).collect();
    assert_eq!(found, ["nginx:latest", "nginx:1"]);
}

#[test]
fn a_file_without_an_image_is_an_error() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("list");
    std::fs::write(&file, "# none\n").expect("a file");
    let error = images(&[], std::slice::from_ref(&file)).expect_err("empty");
    assert!(error.to_string().contains("no image was found"), "{error}");
    std::fs::remove_file(&file).expect("removed");
    let error = images(&[], &[file]).expect_err("missing");
    assert!(error.to_string().starts_with("--file: "), "{error}");
    assert_eq!(error.exit_code(), 4);
}

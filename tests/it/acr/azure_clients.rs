//! Azure's own clients for Python against the fakes: what they accept is Entra ID, a metadata
//! service, a registry.

use regcred_tests::acr::{
    CERTIFICATE_CLIENT, CLIENT_SECRET, FEDERATION_AUDIENCE, FakeAcr, FakeEntra, FakeImds,
    IDENTITY_CLIENT, SECRET_CLIENT, TENANT, WORKLOAD_CLIENT, service_account_token,
};
use regcred_tests::{Program, python_with};

use super::testdata;

#[test]
fn azures_own_clients_get_on_with_the_fakes() {
    let Some(python) = python_with("azure.identity") else {
        return;
    };
    let Some(_) = python_with("azure.containerregistry") else {
        return;
    };
    let entra = FakeEntra::start_tls();
    let imds = FakeImds::start(entra.directory());
    let acr = FakeAcr::start_tls(entra.directory());
    let directory = tempfile::tempdir().expect("a directory");
    let bundle = directory.path().join("bundle.pem");
    let fronts = [entra.front(), acr.front()].map(|front| front.expect("TLS"));
    let trusted = fronts.map(|front| std::fs::read(front.ca_file()).expect("a CA file"));
    std::fs::write(&bundle, trusted.concat()).expect("a file");
    let token_file = directory.path().join("token");
    std::fs::write(
        &token_file,
        service_account_token(FEDERATION_AUDIENCE, 3000),
    )
    .expect("a file");
    let program = "\
import os, sys
from azure.containerregistry import ContainerRegistryClient
from azure.identity import (
    CertificateCredential, ClientSecretCredential, ManagedIdentityCredential,
    WorkloadIdentityCredential)
tenant, secret_client, secret, certificate_client, pem, workload, file, user, registry = sys.argv[1:]
entra = {'disable_instance_discovery': True}
scope = 'https://containerregistry.azure.net/.default'
for who in (
    ClientSecretCredential(tenant, secret_client, secret, **entra),
    CertificateCredential(tenant, certificate_client, certificate_path=pem, **entra),
    WorkloadIdentityCredential(
        tenant_id=tenant, client_id=workload, token_file_path=file, **entra),
    ManagedIdentityCredential(),
    ManagedIdentityCredential(client_id=user),
):
    print(who.get_token(scope).token)
    client = ContainerRegistryClient(
        registry, who, audience='https://containerregistry.azure.net')
    assert list(client.list_repository_names()) == ['team/app']
";
    let said = Program::new(python)
        .args([
            "-c",
            program,
            TENANT,
            SECRET_CLIENT,
            CLIENT_SECRET,
            CERTIFICATE_CLIENT,
        ])
        .arg(testdata("test-only-pkcs1.pem"))
        .arg(WORKLOAD_CLIENT)
        .arg(&token_file)
        .arg(IDENTITY_CLIENT)
        .arg(fronts[1].url())
        .envs(entra.env())
        .envs(imds.env())
        .env("REQUESTS_CA_BUNDLE", &bundle)
        .run();
    let owners: Vec<_> = said
        .success()
        .lines()
        .map(|token| {
            entra
                .directory()
                .granted(token)
                .expect("issued by the fake")
                .owner
        })
        .collect();
    assert_eq!(
        owners,
        ["secret", "certificate", "workload", "system", "user"]
    );
}

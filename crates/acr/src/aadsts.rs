//! Entra ID's error codes (`AADSTS...`) and what to do about the common ones. No repeated request
//! changes any of them.

/// The number after `AADSTS` in a message.
pub(crate) fn number(message: &str) -> Option<u32> {
    let (_, rest) = message.split_once("AADSTS")?;
    let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}

/// Whether the cloud does not know the audience of the token.
pub(crate) fn is_unknown_audience(number: u32) -> bool {
    matches!(number, 50_001 | 500_011)
}

/// What to fix: the next step of an error.
pub(crate) fn advice(number: u32) -> Option<&'static str> {
    Some(match number {
        7_000_215 => "the client secret is wrong: configure its value, not its id",
        7_000_222 => {
            "the client secret has expired: make a new one (az ad app credential reset --append)"
        }
        7_000_112 => "the application is disabled: enable its service principal",
        7_000_229 => {
            "the application has no service principal in that tenant: create it (az ad sp create \
             --id)"
        }
        700_016 => "the application is not in that tenant: compare client id and tenant id",
        90_002 | 900_023 | 900_021 => {
            "the tenant does not exist: correct the tenant id, or the cloud"
        }
        700_027 => {
            "the certificate is not one of the application's, or has expired: upload it (az ad \
             app credential reset --append --cert)"
        }
        700_030 => {
            "the certificate's name or issuer is not the trusted one: send the chain \
             (AZURE_CLIENT_SEND_CERTIFICATE_CHAIN) and compare the subject name"
        }
        700_021 | 700_023 | 700_024 => {
            "the assertion is not valid for this place and time: set this machine's clock, and \
             compare the authority"
        }
        700_211 => {
            "no federated credential of the identity names the token's issuer: it is the \
             cluster's issuer URL, letter for letter"
        }
        700_212 => {
            "no federated credential of the identity names the token's audience: it is \
             api://AzureADTokenExchange by default"
        }
        70_021 | 700_213 => {
            "no federated credential of the identity names the token's subject: it is \
             system:serviceaccount:NAMESPACE:NAME, and takes effect minutes after it was made"
        }
        50_027 | 50_013 => {
            "the assertion cannot be verified: it is not a token of a trusted issuer, or the \
             issuer's keys cannot be fetched"
        }
        50_001 | 500_011 => "the cloud does not know the token's audience: --audience sets it",
        53_003 | 53_000 => {
            "conditional access blocks the identity: allow this network for workload identities"
        }
        50_053 | 50_057 => "the account is locked or disabled",
        50_173 | 700_082 | 70_043 | 50_076 | 50_078 => "the login has expired; run az login",
        90_033 => "Entra ID is temporarily unavailable; retry later",
        530_032 | 50_105 => "the identity is not assigned to the application",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_follows_the_word() {
        let message = "AADSTS7000215: Invalid client secret provided. Ensure ...";
        assert_eq!(number(message), Some(7_000_215));
        assert_eq!(number("IMDS: AADSTS500011 The resource"), Some(500_011));
        assert_eq!(number("Identity not found"), None);
        assert_eq!(number("AADSTS: x"), None);
        assert_eq!(number("AADSTS99999999999999: x"), None);
    }

    #[test]
    fn advice_is_a_part_of_a_line() {
        let all: Vec<_> = [50_000..100_000, 500_000..1_000_000, 7_000_000..7_001_000]
            .into_iter()
            .flatten()
            .filter_map(advice)
            .collect();
        assert_eq!(all.len(), 33);
        for advice in all {
            assert!(
                !advice.starts_with(';') && !advice.ends_with('.'),
                "{advice}"
            );
        }
        assert!(advice(7_000_222).is_some_and(|a| a.contains("expired")));
        assert_eq!(advice(1), None);
    }

    #[test]
    fn an_unknown_audience_differs_from_other_refusals() {
        assert!(is_unknown_audience(500_011) && is_unknown_audience(50_001));
        assert!(!is_unknown_audience(700_016));
    }
}

//! The variables that the ECR provider and the AWS libraries under it read.

use regcred_core::EnvVar;

/// The catalogue.
pub(crate) const VARS: &[EnvVar] = &[EnvVar::new(
    ALSO_SERVE,
    "More hosts that lead to ECR (CNAMEs, mirrors), as HOST or HOST=REGION, comma-separated",
    "",
)];

pub(crate) const ALSO_SERVE: &str = "REGCRED_ECR_ALSO_SERVE";

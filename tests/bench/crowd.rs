//! The pods of a node that has just joined: ECR plugins that start together and share a cache directory.

use regcred_core::Env;
use regcred_tests::cloud::Cloud as _;
use regcred_tests::ecr::EcrCloud;

use crate::contest::compete;
use crate::plugins::Place;
use crate::table::Tables;

/// So many at once, with keys in the environment: with nothing stored, with a fresh answer, without the cache, and upstream's plugin.
/// Returns what is wrong: of those that share a cache one calls the cloud, once.
pub(crate) fn crowd(copies: usize, rounds: usize, env: &Env, tables: &mut Tables) -> Vec<String> {
    let cloud = EcrCloud::start();
    let place = Place::new("ecr", &cloud, true);
    let cold = place.path("cold");
    let mut field = vec![
        place.ours("nothing is stored", &cold).scratch(cold),
        place.ours("a fresh answer is stored", &place.path("warm")),
        place.ours("cache off", "off".as_ref()),
    ];
    field.extend(place.peers(env));
    let (cloud, keys) = (&cloud, cloud.keys());
    let field = field.into_iter();
    let field = field.map(|one| one.envs(&keys).copies(copies).calls(|| cloud.calls()));
    let title = format!("{copies} starts of the ecr plugin at once, https");
    let (scores, notes) = compete(field.collect(), rounds);
    tables.show(&title, &scores, &notes);
    let calls = |at: usize| scores.get(at).and_then(|score| score.calls());
    let expected = [Some(1), Some(0), Some(copies)];
    let found = [calls(0), calls(1), calls(2)];
    if found == expected {
        return Vec::new();
    }
    vec![format!(
        "{title}: calls of the API, cold, warm and without cache: {found:?}, expected {expected:?}"
    )]
}

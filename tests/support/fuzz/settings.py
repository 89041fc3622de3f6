"""How hypothesis runs where an example is costly, or where there are very many."""

from hypothesis import HealthCheck, Phase, settings

# The same examples in every run: a suite that fails once in a hundred runs helps nobody.
QUICKLY = settings(
    derandomize=True,
    database=None,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),  # pyright: ignore[reportArgumentType]
)

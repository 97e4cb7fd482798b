# Build fragment of tests/slurm.
TESTS += tests/slurm/slurm_test.sh

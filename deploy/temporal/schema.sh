#!/bin/sh
# Makes, and at an upgrade changes, the two databases of Temporal. Harmless when they are current.
set -eu

schema() {
    name=$1
    versions=/etc/temporal/schema/postgresql/v12/$2/versioned
    tool="temporal-sql-tool --plugin postgres12 --ep $TEMPORAL_DATABASE_HOST -p 5432 -u temporal --db $name"
    $tool create
    $tool setup-schema -v 0.0
    $tool update-schema -d "$versions"
}

schema temporal temporal
schema temporal_visibility visibility

"""How it goes over time: charts, tables and sentences, all from one computation."""

"""The networks as the paper means them; read `backbone`, `decoder`, `models` in this order."""

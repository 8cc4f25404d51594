"""A folder of composed pieces as a site without a server: what a museum or an agency shows at the end."""

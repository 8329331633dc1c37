"""What is written from the declarations of the services: lists, containers, images, documents."""

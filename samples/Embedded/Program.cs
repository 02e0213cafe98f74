using Broker.AspNetCore;

WebApplicationBuilder builder = WebApplication.CreateBuilder(args);
builder.Services.AddBroker();

WebApplication app = builder.Build();
app.MapGet("/", () => "WebSockets are at /connection/websocket.");
app.MapBroker();
app.Run();
